#!/usr/bin/python3
# once: yes
"""tcsendbreak(3) and TIOCSBRK on a serial line: what the port's line control register says, and how long a break is."""
import re

from machine import Shell, harness
from harness import expect_equal, expect_true

LINE_CONTROL, EIGHT_BITS, BREAK = 0x3fb, 0x03, 0x40


def register(machine):
    return int(re.search(r"= 0x([0-9a-f]+)", machine.monitor(f"i /b {LINE_CONTROL:#x}")).group(1), 16)


def test():
    with Shell(limit=60, keyboard=True) as machine:
        expect_equal("at first", register(machine), EIGHT_BITS)
        machine.command("/tests/workload break on")
        expect_equal("held", register(machine), EIGHT_BITS | BREAK)
        machine.command("/tests/workload break off")
        expect_equal("ended", register(machine), EIGHT_BITS)
        expect_true("a quarter of a second", machine.values("/tests/workload break send")["milliseconds"] >= 250)
        expect_equal("over", register(machine), EIGHT_BITS)
        machine.power_off()


harness.run(test)
