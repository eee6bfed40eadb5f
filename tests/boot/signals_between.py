#!/usr/bin/python3
# cpus: 1 2 4
# timeout: 120
"""Signals that programs have no right to send: by clone's exit signal to init, and by a terminal to whoever has a number that it
named. Signals that must come in time: of a timer to a thread that starves all others, and to a thread on another CPU."""
from machine import Shell, harness

# Busybox init is the first program: it takes signals as orders. What the kernel has not mounted itself, this does.
INIT = """#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc 2>/dev/null
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts 2>/dev/null
rm -f /dev/ptmx
mknod -m 666 /dev/ptmx c 5 2
echo 'ttyS0::respawn:/bin/sh' >/etc/inittab
export PS1='# '
echo shell-is-ready
exec /sbin/init
"""


def expect(machine, line, **wanted):
    got = machine.values(f"/tests/{line}", 40)
    print(line, got)
    for name, value in wanted.items():
        harness.expect_true(f"{line}: {name} is {got.get(name)}, not {value}", got.get(name) == value)
    return got


def test():
    cpus = harness.default_cpus()
    with Shell(init=INIT, programs=("signals_between", "signals_in_time"), limit=100) as machine:
        harness.expect_equal("the first program", machine.command("cat /proc/1/comm")[1].strip(), "init")
        expect(machine, "signals_between init", given=3)
        for kind in "interrupt", "front", "session":
            got = expect(machine, f"signals_between number {kind}", lives=1, given_afterwards=1)
            harness.expect_true("Linux gives the number again at once", got["reused"] == 1 or not harness.is_linux())
        for timer in "prof", "virtual":
            late = expect(machine, f"signals_in_time starved {timer}", by_thread=1)["after_ms"]
            harness.expect_true(f"{timer} ends the thread after {late} ms", 150 <= late < 5000)
        if cpus == 1:
            late = expect(machine, "signals_in_time starved real")["after_ms"]
            harness.expect_true(f"real ends the thread after {late} ms", 150 <= late < 5000)
        if cpus > 1:
            got = expect(machine, "signals_in_time interrupts")
            harness.expect_true(f"signals interrupt another CPU: {got}", got["interrupts"] >= got["rounds"] * 3 // 4)
        if cpus == 4:
            got = expect(machine, "signals_in_time forbidden", forbidden=0)
            harness.expect_true(f"threads were moved and looked: {got}", got["moves"] > 20 and got["readings"] > 1000)
        machine.power_off()


harness.run(test)
