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


def changed():
    """Another policy at run time, by who may, with hogs of both nice values waiting."""
    with Shell(append=f"{harness.QUIET} sched=rr", extra=DETERMINISTIC, limit=100) as machine:
        status, text = machine.command("cat /proc/sched")
        harness.expect_true(f"the current policy is marked: {text!r}", status == 0 and {"[rr]", "priority", "fifo", "dynamic"} <= set(text.split()))
        harness.expect_true("an unknown policy is refused", machine.command("echo no-such-policy >/proc/sched")[0] != 0)
        status, text = machine.command("start-stop-daemon -S -c 12345:12345 -x /bin/sh -- -c 'echo fifo >/proc/sched'")
        harness.expect_true(f"only root changes it: {text!r}", status != 0)
        status, text = machine.command("(sleep 0.2; for p in priority fifo rr dynamic; do echo $p >/proc/sched; done) & cat /proc/sched")
        harness.expect_true(f"it is unchanged so far: {text!r}", "[rr]" in text)
        loops = machine.values("/tests/workload hogs 0 5", 60)
        share = loops["hog0"] / sum(loops.values())
        harness.expect_true(f"shares by weight after the change: {loops}", abs(share - 1024 / 1359) < 0.01)
        status, text = machine.command("cat /proc/sched")
        harness.expect_true(f"the new policy is marked: {text!r}", {"rr", "[dynamic]"} <= set(text.split()))
        machine.power_off()


def test():
    dynamic()
    changed()
    shares = hogs("rr", "0 0 0")
    spread = max(shares) / min(shares) - 1
    harness.expect_true(f"rr shares equally within 3 %: {shares}", spread < 0.03)
    shares = hogs("priority", "10 0 5")
    harness.expect_true(f"the most urgent gets all: {shares}", shares[1] > 0 and shares[0] == 0 and shares[2] == 0)
    shares = hogs("fifo", "0 0 0")
    harness.expect_true(f"the first runs until it ends: {shares}", shares[0] > 0 and shares[1] == 0 and shares[2] == 0)


harness.run(test)
