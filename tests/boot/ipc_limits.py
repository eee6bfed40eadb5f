#!/usr/bin/python3
# once: yes
# cpus: 2
"""System V IPC's limits, changed by root while the machine runs; the same lines on Linux (AUBRAC_KERNEL)."""
from machine import Shell, harness

WANTED = r"""
msgmni <- : ok, is 32000
msgmni <- x: Invalid argument, is 32000
msgmni <- -1: Invalid argument, is 32000
msgmni <- 32769: Invalid argument, is 32000
msgmni <- 5 6: ok, is 5
msgmni <-  7
: ok, is 7
msgmni <- 4294967296: Invalid argument, is 7
msgmni <- 9999999999999999999999: Invalid argument, is 7
msgmni <- 32000: ok, is 32000
ok numbers_that_are_none
msgmax <- 100: ok, is 100
told(msgsnd(before, &message, 101, 0)) = -22
told(msgsnd(before, &message, 100, 0)) = 0
msgmax <- 20000: ok, is 20000
told(msgsnd(before, &message, 20000, IPC_NOWAIT)) = -11
msgmnb <- 20000: ok, is 20000
about.msg_qbytes = 16384
about.msg_qbytes = 20000
told(msgsnd(after, &message, 20000, IPC_NOWAIT)) = 0
msgmax <- 8192: ok, is 8192
msgrcv(after, &message, 20000, 0, MSG_COPY | IPC_NOWAIT) = -1
msgrcv(after, &message, 20000, 0, IPC_NOWAIT) = 20000
msgmnb <- 16384: ok, is 16384
msgmni <- 2: ok, is 2
told(msgget(IPC_PRIVATE, make)) = -28
msgmax 8192 msgmnb 16384 msgmni 2
told(another) = 0
msgmni <- 32000: ok, is 32000
ok messages
sem <- 10	12 3 2: ok, is 10	12	3	2
told(semget(IPC_PRIVATE, 11, make)) = -22
told(semget(IPC_PRIVATE, 8, make)) = -28
told(set_of_7) = 0
told(semop(set_of_5, steps, 4)) = -7
told(semop(set_of_5, steps, 3)) = 0
told(semget(IPC_PRIVATE, 6, make)) = -28
told(semget(IPC_PRIVATE, 1, make)) = -28
semmsl 10 semmns 12 semopm 3 semmni 2
sem <- 11: ok, is 11	12	3	2
sem <- 12 13: ok, is 12	13	3	2
sem <- 1 2 3 40000: Result not representable, is 1	2	3	2
sem <- 32000 1024000000 500 32000: ok, is 32000	1024000000	500	32000
ok semaphores
shmmax <- 8192: ok, is 8192
told(shmget(IPC_PRIVATE, 8193, make)) = -22
told(two_pages) = 0
shmall <- 3: ok, is 3
told(shmget(IPC_PRIVATE, 4097, make)) = -28
told(one_page) = 0
shmall <- 18446744073692774399: ok, is 18446744073692774399
shmmni <- 2: ok, is 2
told(shmget(IPC_PRIVATE, 1, make)) = -28
shmmni <- 4096: ok, is 4096
shmmax <- 18446744073692774399: ok, is 18446744073692774399
ok shared_memory
shmall <- 10: ok, is 10
refused = 0
shmall <- 18446744073692774399: ok, is 18446744073692774399
ok what_is_refused_takes_nothing_from_others
"""


def test():
    with Shell(programs=["ipc_limits"]) as machine:
        status, text = machine.command("mount -t proc proc /proc 2>/dev/null; /tests/ipc_limits", 60)
        harness.expect_equal("what the calls answered", "\n" + text.strip() + "\n", WANTED)
        harness.expect_equal("exit status", status, 0)
        machine.power_off()


harness.run(test)
