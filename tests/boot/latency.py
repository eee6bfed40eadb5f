#!/usr/bin/python3
# only: debug
# timeout: 600
"""Programs that make the kernel's loops long (tests/user/long_loops.c): how long interrupts, and preemption, are off meanwhile
at most, by /proc/latency. The clock counts instructions, so that the figures are the same each time. sched/README.md has the
reasons of the bounds, and of those that are a case's own."""
import re

from machine import Shell, harness

BOUND_NS = {"interrupts-off": 200_000, "preemption-off": 250_000}
# What is done to each thread of one process, in one piece; both cases have 2000 threads.
OWN_BOUND_NS = {
    "threads": {"interrupts-off": 250_000, "preemption-off": 250_000},
    "ends_of_crowds": {"interrupts-off": 2_500_000, "preemption-off": 2_500_000},
}
DETERMINISTIC = ("-icount", "shift=0,sleep=off")


def longest(report):
    """{kind: (ns, the lines that say where)} of one CPU's report."""
    parts = re.split(r"^cpu0 (\S+) (\d+) ns\n", report, flags=re.MULTILINE)
    return {parts[i]: (int(parts[i + 1]), parts[i + 2]) for i in range(1, len(parts), 3)}


def test():
    too_long = []
    with Shell(extra=DETERMINISTIC, memory="768M", cpus=1, limit=580) as machine:
        names = machine.command("/tests/long_loops list")[1].split()
        harness.expect_true(f"cases: {names}", len(names) > 10 and set(OWN_BOUND_NS) <= set(names))
        for name in names:
            status, report = machine.command(f"cd /tmp; /tests/long_loops {name}", 200)
            harness.expect_equal(f"exit status of {name}", status, 0)
            times = longest(report)
            harness.expect_equal(f"{name}: kinds", sorted(times), sorted(BOUND_NS))
            print(f"{name:16}", *(f"{kind} {times[kind][0] / 1000:7.1f} us" for kind in BOUND_NS))
            bounds = OWN_BOUND_NS.get(name, BOUND_NS)
            too_long += [f"{name}: {kind} {ns} ns\n{where}" for kind, (ns, where) in times.items() if ns > bounds[kind]]
        machine.power_off()
    harness.expect_true("too long:\n" + "\n".join(too_long), not too_long)


harness.run(test)
