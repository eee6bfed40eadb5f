#!/usr/bin/python3
# timeout: 400
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


def dynamic():
    """Shares by Linux's weights, and the way of a thread that mostly sleeps past four that never do."""
    weights = {"0": 1024, "5": 335, "-5": 3121, "idle": 3, "batch": 1024}
    with Shell(append=f"{harness.QUIET} sched=dynamic", extra=DETERMINISTIC, limit=160) as machine:
        for kinds in (["0"] * 4, ["0", "5"], ["-5", "0", "5"], ["0", "batch"], ["0", "idle"]):
            got = machine.values(f"/tests/workload hogs {' '.join(kinds)}", 60)
            loops = [got[f"hog{i}"] for i in range(len(kinds))]
            for kind, done in zip(kinds, loops):
                due = weights[kind] / sum(weights[other] for other in kinds)
                error = abs(done / sum(loops) - due)
                harness.expect_true(f"{kinds} share {loops} by weight within 1 %", error < 0.01)
            harness.expect_true(f"nobody starves: {loops}", min(loops) > 0)
        late = machine.values("/tests/workload respond 4", 60)
        harness.expect_true(f"the sleeper wakes at once: {late}", late["p99"] < 500 and late["max"] < 4000)
        machine.power_off()


def test():
    dynamic()
    shares = hogs("rr", "0 0 0")
    spread = max(shares) / min(shares) - 1
    harness.expect_true(f"rr shares equally within 3 %: {shares}", spread < 0.03)
    shares = hogs("priority", "10 0 5")
    harness.expect_true(f"the most urgent gets all: {shares}", shares[1] > 0 and shares[0] == 0 and shares[2] == 0)
    shares = hogs("fifo", "0 0 0")
    harness.expect_true(f"the first runs until it ends: {shares}", shares[0] > 0 and shares[1] == 0 and shares[2] == 0)


harness.run(test)
