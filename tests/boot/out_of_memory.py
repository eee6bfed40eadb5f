#!/usr/bin/python3
# cpus: 1 4
# timeout: 200
"""A program that wants all memory of a 64 MiB machine ends alone; the shell goes on."""
from machine import Shell, harness


def test():
    with Shell(memory="64M", limit=180, append="console=ttyS0 loglevel=5 panic=-1") as machine:
        before = 0
        for round_number in range(3):
            status, text = machine.command("/tests/workload eat", 60)
            killed = "Out of memory" in text and status == 128 + 9
            harness.expect_true(f"killed with a line that says so, or refused: {status} {text[-300:]!r}",
                                killed or "refused_after" in text)
            if round_number == 0:   # the first round fills the caches of the kernel
                before = machine.free_kib()
        after = machine.free_kib()   # the kernel's caches and the shell's heap move by some pages
        harness.expect_true(f"free memory afterwards: {after} KiB, before {before}", abs(after - before) <= 256)
        machine.power_off()


harness.run(test)
