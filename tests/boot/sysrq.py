#!/usr/bin/python3
# timeout: 200
# cpus: 1 2
"""SysRq: by /proc/sysrq-trigger, by a break on the serial line and a key, by Alt-SysRq on a PS/2 and a USB keyboard, and the mask.
Then what a panic tells, and what stays in the log of programs that die of their own faults."""
import os
import re
import time

from machine import Shell, harness
from harness import expect_equal, expect_true

LOUD = "console=ttyS0 panic=-1 loglevel=7"
SHARED = "usr/lib/klibc/bin/ls"   # a program whose dynamic linker is not in the machine


def trigger(machine):
    machine.command("dmesg -n 1")   # so that the answers are dmesg's alone
    _, text = machine.command("echo h >/proc/sysrq-trigger; echo mt >/proc/sysrq-trigger; echo t >/proc/sysrq-trigger; dmesg | grep sysrq:")
    for wanted in "HELP : loglevel", r"crash\(c\)", "Show Memory", "kB free", "Show State", r"task:sh state:R tid:\d+ pid:\d+ ppid:1":
        expect_true(f"{wanted!r} in {text}", re.search(wanted, text))
    expect_equal("only root's", machine.command("setuidgid nobody sh -c 'echo m >/proc/sysrq-trigger'")[0], 1)
    expect_equal("the first character counts alone", text.count("Show State"), 1)
    machine.command("echo l >/proc/sysrq-trigger")
    _, text = machine.command("dmesg | grep 'CPU [0-9]*:'")
    expect_equal("all CPUs tell where they are", sorted(set(re.findall(r"CPU (\d+):", text))), [str(n) for n in range(harness.default_cpus())])
    expect_true("they answer", "does not answer" not in text)
    machine.command("dmesg -n 7; echo 1 >/proc/sys/kernel/sysrq")


def by_break(machine, key):
    machine.monitor("chardev-send-break serial")
    machine.send(key)


def serial_break(machine):
    machine.command("echo 0 >/proc/sys/kernel/sysrq")
    before = machine.command("dmesg | grep -c sysrq:")[1]
    by_break(machine, "m")
    machine.send("\x15")   # the shell's line is empty again
    expect_equal("a mask of nothing", machine.command("dmesg | grep -c sysrq:")[1], before)
    machine.command("echo 2 >/proc/sys/kernel/sysrq")
    by_break(machine, "m")
    machine.expect("This sysrq operation is disabled")
    by_break(machine, "7")
    machine.expect("Loglevel set to 7")
    machine.command("echo 1 >/proc/sys/kernel/sysrq")
    by_break(machine, "m")
    machine.expect("kB free")
    machine.send("\n")
    expect_equal("the mask is read back", machine.command("cat /proc/sys/kernel/sysrq")[1].strip(), "1")
    expect_equal("a mask that is no number", machine.command("echo x >/proc/sys/kernel/sysrq")[0], 1)


def keyboard(machine):
    machine.monitor("sendkey alt-sysrq-h 100")
    machine.expect("HELP : loglevel")
    machine.monitor("sendkey alt-sysrq-w 100")
    machine.expect("Show Blocked State")


def killing(machine):
    machine.command("sh -c 'x=$(head -c 3000000 /dev/zero | tr \"\\0\" x); sleep 1000; :' & sleep 2")
    by_break(machine, "f")
    machine.expect(r"Out of memory: Killed process \d+ \(sh\)")
    machine.send("\n")
    machine.command("sleep 1000 & true")
    machine.command("trap '' TERM; echo e >/proc/sysrq-trigger")
    expect_equal("all but init are told to end", machine.command("sleep 1; pidof sleep")[0], 1)


def faults(machine):
    """Linux's lines, of signals that nobody handles, and at most ten of them in five seconds."""
    machine.command("for kind in read write opcode halt; do /tests/workload fault $kind; done")
    _, text = machine.command("dmesg")
    rip, stack = "ip [0-9a-f]{16}", "sp [0-9a-f]{16}"
    for wanted in (rf"\] workload\[\d+\]: segfault at 0 {rip} {stack} error 4 likely on CPU \d", rf"\] workload\[\d+\]: segfault at [0-9a-f]+ {rip} {stack} error 7",
                   r"\] workload\[\d+\] trap invalid opcode ip:[0-9a-f]+ sp:[0-9a-f]+ error:0", r"\] workload\[\d+\] general protection fault ip:[0-9a-f]+ sp:[0-9a-f]+ error:0"):
        expect_true(f"{wanted!r} in {text}", re.search(wanted, text))
    machine.command("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do /tests/workload fault read; done 2>/dev/null", 20)
    expect_true("not every one", int(machine.command("dmesg | grep -c 'segfault at 0 '")[1]) <= 17)


def missing_interpreters(machine):
    """What a program wanted that "not found" does not tell; and what is a user's in a line of the log gives a terminal no orders."""
    machine.command(r"printf '#!/no/such\033[2J\n' >/tmp/script; chmod +x /tmp/script; /tmp/script")
    machine.command(f"/{SHARED}")
    _, text = machine.command("dmesg")
    for wanted in (r"exec: /tmp/script wants /no/such\?\[2J, which is not there", r"exec: /usr/lib/klibc/bin/ls wants /lib/klibc-\S+\.so, which is not there"):
        expect_true(f"{wanted!r} in {text}", re.search(wanted, text))


def crash(machine, cpus):
    """Who, where, the code, the other CPUs, events in words."""
    if cpus > 1:
        machine.command("sh -c 'while :; do :; done' & true")
    machine.send("echo c >/proc/sysrq-trigger\n")
    for wanted in (r"kernel panic on CPU \d+: sysrq triggered crash", r"Aubrac 6\.1\.0-aubrac, up \d+\.\d+ s", r"in thread \d+ \(sh\) of process \d+ \(sh\)",
                   r"in system call 1 \(write\), made at 0x[0-9a-f]+"):
        machine.expect(wanted)
    if cpus > 1:
        machine.expect(r"CPU \d+ was in (a program at 0x[0-9a-f]+|the kernel:)")
    machine.expect(r"trace +\d+ us \w+ \w+=")
    machine.expect("end of panic")
    machine.must_end_with(harness.PANICKED)


def test():
    cpus = harness.default_cpus()
    usb = ["-device", "qemu-xhci", "-device", "usb-kbd"]
    with Shell(limit=190, append=LOUD, keyboard=True, files=[SHARED]) as machine:
        trigger(machine)
        keyboard(machine)
        serial_break(machine)
        faults(machine)
        missing_interpreters(machine)
        killing(machine)
        crash(machine, cpus)
    if cpus == 1:
        with Shell(limit=60, append=LOUD, keyboard=True, extra=usb) as machine:
            machine.command("echo 1 >/proc/sys/kernel/sysrq")
            keyboard(machine)
            machine.power_off()


harness.run(test)
