#!/usr/bin/python3
# timeout: 200
# once: yes
"""A PC without a serial port that cannot start says why on its screen, in graphics mode: what boot.asm refuses, and panics of before the
drivers, under BIOS and UEFI; and GRUB's menu, which Esc shows."""
import time

from machine import harness
from harness import Failure, expect_equal, expect_true

ISO = harness.BUILD / "aubrac.iso"


def shows(what, cpu, wanted, **settings):
    with harness.Machine(iso=ISO, serial=False, debug_exit=False, keyboard=True, limit=90, extra=["-cpu", cpu], **settings) as machine:
        time.sleep(1)   # for QEMU's monitor to be there
        rows = machine.wait_for_screen(wanted)
        expect_true(f"{what}: nothing but text", not any("\0" in row for row in rows if row.strip("\0 ")))
        return rows


def sees(machine, pattern):
    try:
        machine.expect(pattern, 0.3)
    except Failure:
        return False
    return True


def menu():
    """Esc within the first second, by whatever key there is; the third entry."""
    with harness.Machine(iso=ISO, limit=90) as machine:
        while not sees(machine, "safe settings"):
            expect_true("the menu comes", machine.remaining() > 1)
            machine.send("\x1b")
        machine.send("\x1b[B\x1b[B\r")
        machine.expect("# ")
        words = machine.command("cat /proc/cmdline")[1].split()
        expect_true(f"the entry's words: {words}", {"nox2apic", "maxcpus=1", "console=tty0"} <= set(words))
        machine.send("poweroff -f\n")
        machine.must_end_with(harness.POWERED_OFF)


def active_partition():
    """Some firmware boots a stick only if just one partition of its boot record is active, and UEFI only if the protective one is not."""
    record = ISO.read_bytes()[:512]
    entries = [record[446 + 16 * n:462 + 16 * n] for n in range(4)]
    expect_equal("active partitions", sum(entry[0] == 0x80 for entry in entries), 1)
    expect_equal("the protective partition", [entry[0] for entry in entries if entry[4] == 0xee], [0])


def test():
    active_partition()
    menu()
    shows("a CPU of 32 bits", "pentium3", "Aubrac cannot start: this CPU lacks SSE2 long mode (64 bit).")
    rows = shows("the first panic there is", "max,-syscall", "end of panic")
    expect_true("the reason", any("panic: kernel panic on CPU 0: this CPU has no SYSCALL instruction" in row for row in rows))
    rows = shows("the same under UEFI", "max,-syscall", "end of panic", uefi=True)
    expect_true("the reason", any("panic: kernel panic on CPU 0: this CPU has no SYSCALL instruction" in row for row in rows))


harness.run(test)
