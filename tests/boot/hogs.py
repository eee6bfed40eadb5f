#!/usr/bin/python3
# cpus: 1 2
# timeout: 240
"""Programs that take more than their part: of memory (in files, in pipes), and of a CPU (realtime). Others live on."""
from machine import Shell, harness


def expect(machine, line, limit=60, **wanted):
    got = machine.values(f"/tests/hogs {line}", limit)
    for name, value in wanted.items():
        harness.expect_true(f"{line}: {name} is {got.get(name)}, not {value}", got.get(name) == value)
    return got


def test():
    with Shell(memory="192M", limit=220, append="console=ttyS0 loglevel=5 panic=-1") as machine:
        machine.command("mkdir -p -m 1777 /dev/shm /tmp; chmod 1777 /dev/shm /tmp")
        expect(machine, "fill /tmp", ended_by_room=1, runs_afterwards=1, onlookers_dead=0)
        expect(machine, "fill /tmp /dev/shm", ended_by_room=1, second_ended_by_room=1, runs_afterwards=1, onlookers_dead=0)
        expect(machine, "pipes", hog_killed=1, others_dead=0)
        late = expect(machine, "pinned", killed=1, another_runs=1)["after_ms"]
        harness.expect_true(f"killed at once, not when the spinner ends: {late} ms", late < 10000)
        share = expect(machine, "share")["share"]
        harness.expect_true(f"a usual thread has its twentieth beside a realtime one: {share} of 1000", 30 <= share <= 80)
        machine.command("echo dynamic >/proc/sched")
        share = expect(machine, "users")["share"]
        machine.command("echo rr >/proc/sched")
        harness.expect_true(f"dynamic: fifty threads of another user's leave root's one half of the CPU: {share} of 1000", 400 <= share <= 600)
        expect(machine, "rttime", slept_in_time=1, sigxcpu=1, ended_by=9)
        status, text = machine.command("cat /proc/sys/kernel/sched_rt_runtime_us /proc/sys/kernel/sched_rt_period_us")
        harness.expect_equal("what is read", (status, text.split()), (0, ["950000", "1000000"]))
        machine.command("echo 50 >/proc/sys/fs/epoll/max_user_watches")
        expect(machine, "watches", watches=50, anothers=50, again=50)
        machine.command("echo 100 >/proc/sys/fs/pipe-user-pages-hard; echo 80 >/proc/sys/fs/pipe-user-pages-soft")
        expect(machine, "new_pipes", pipes=15, again=15)   # five of 16 pages, and ten of two
        status, text = machine.command("echo 5000 >/proc/sys/fs/pipe-max-size; cat /proc/sys/fs/pipe-max-size")
        harness.expect_equal("rounded up", (status, text.split()), (0, ["8192"]))
        status, text = machine.command("echo 2000000 >/proc/sys/kernel/sched_rt_runtime_us")
        harness.expect_true(f"no more than the period: {status}", status != 0)
        machine.power_off()


harness.run(test)
