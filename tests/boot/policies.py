#!/usr/bin/python3
# timeout: 240
"""Who gets the CPU under each policy. The clock counts instructions: what the host does has no part in it."""
from machine import Shell, harness

DETERMINISTIC = ("-icount", "shift=3,sleep=off")


def hogs(policy, nice_values):
    with Shell(append=f"{harness.QUIET} sched={policy}", extra=DETERMINISTIC, limit=70) as machine:
        status, text = machine.command("cat /proc/sched")
        harness.expect_true(f"/proc/sched names {policy}: {text!r}", status == 0 and policy in text)
        got = machine.values(f"/tests/workload hogs {nice_values}", 60)
        machine.power_off()
        return [got[f"hog{i}"] for i in range(3)]


def test():
    shares = hogs("rr", "0 0 0")
    spread = max(shares) / min(shares) - 1
    harness.expect_true(f"rr shares equally within 3 %: {shares}", spread < 0.03)
    shares = hogs("priority", "10 0 5")
    harness.expect_true(f"the most urgent gets all: {shares}", shares[1] > 0 and shares[0] == 0 and shares[2] == 0)
    shares = hogs("fifo", "0 0 0")
    harness.expect_true(f"the first runs until it ends: {shares}", shares[0] > 0 and shares[1] == 0 and shares[2] == 0)


harness.run(test)
