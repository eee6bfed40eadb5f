#!/usr/bin/python3
# cpus: 1 4
"""Limits by effect: tests/user/limits.c prints what it prints on Linux 6.1, which limits.lines holds
(written by `AUBRAC_KERNEL=vmlinuz tests/boot/limits.py --record`). Root of a container may not raise limits, so it runs in a machine of its own."""
import pathlib
import re
import sys

from machine import Shell, harness

RECORDED = pathlib.Path(__file__).with_name("limits.lines")


def test():
    with Shell(limit=150, append="console=ttyS0 loglevel=1 quiet panic=-1") as machine:
        status, text = machine.command("mkdir -p /dev /tmp/limits; mount -t devtmpfs dev /dev 2>/dev/null; cd /tmp/limits; /tests/limits", 120)
        lines = "".join(line + "\n" for line in text.replace("\r", "").split("\n") if line and not re.match(r"\[ *\d+\.", line))
        if "--record" in sys.argv:
            RECORDED.write_text(lines)
        harness.expect_equal("what it prints", lines, RECORDED.read_text())
        harness.expect_equal("how it ends", status, 0)
        machine.power_off()


harness.run(test)
