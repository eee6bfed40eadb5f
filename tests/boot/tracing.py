#!/usr/bin/python3
# timeout: 240
"""tools/trace: under fifo each hog runs in one piece, under rr in turns that end by preemption."""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402
from harness import expect_equal, expect_true  # noqa: E402


def hog_runs(policy):
    """{hog: [(start, why it stopped)]}, from the JSON."""
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        out = pathlib.Path(place) / policy
        subprocess.run([str(harness.SOURCE / "tools/trace"), "--icount", "--build", str(harness.BUILD), "--append", f"sched={policy}",
                        "--limit", "100", str(out), "/tests/workload timeline"], check=True)
        rows = json.loads(out.with_suffix(".json").read_text())["traceEvents"]
        expect_true("a picture", "hog-A" in out.with_suffix(".svg").read_text())
    runs = collections.defaultdict(list)
    for row in rows:
        if row["ph"] == "X" and row["name"].startswith("hog-"):
            runs[row["name"][:5]].append((row["ts"], row["args"]["stopped"]))
    expect_equal("hogs", sorted(runs), ["hog-A", "hog-B", "hog-C"])
    return runs


def test():
    for hog, runs in hog_runs("fifo").items():
        expect_equal(f"fifo: how the runs of {hog} ended", [why for _, why in runs], ["ended"])
    runs = hog_runs("rr")
    for hog in runs:
        expect_true(f"rr: {hog} takes turns", len(runs[hog]) >= 5)
        expect_true(f"rr: {hog} is preempted", sum(why == "preempted" for _, why in runs[hog]) >= 5)
        expect_equal(f"rr: the last run of {hog}", runs[hog][-1][1], "ended")
    first_two = {hog: [start for start, _ in runs[hog][:2]] for hog in runs}
    expect_true("rr: B and C run between A's first turns",
                all(first_two["hog-A"][0] < first_two[hog][0] < first_two["hog-A"][1] for hog in ("hog-B", "hog-C")))


harness.run(test)
