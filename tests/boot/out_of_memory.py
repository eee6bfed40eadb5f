#!/usr/bin/python3
# timeout: 200
"""A program that wants all memory of a 64 MiB machine ends alone; the shell goes on."""
from machine import Shell, harness


def test():
    with Shell(memory="64M", limit=180, append="console=ttyS0 loglevel=5 panic=-1") as machine:
        before = machine.free_kib()
        for _ in range(3):
            status, text = machine.command("/tests/workload eat", 60)
            killed = "Out of memory" in text and status == 128 + 9
            harness.expect_true(f"killed with a line that says so, or refused: {status} {text[-300:]!r}",
                                killed or "refused_after" in text)
        harness.expect_equal("free memory afterwards", machine.free_kib(), before)
        machine.power_off()


harness.run(test)
