#!/usr/bin/python3
# timeout: 200
"""gdb looks into a running machine: tools/gdb/attach in batch mode, each of its commands."""
import os
import pathlib
import re
import subprocess
import tempfile

from machine import Shell, harness
from harness import expect_equal, expect_true

COMMANDS = ("threads", "spaces", "frames", "runqueues", "locks")


def look(socket):
    words = [str(harness.SOURCE / "tools/gdb/attach"), str(socket), "--", "-batch"]
    for command in COMMANDS:
        words += ["-ex", f"echo == {command}\\n", "-ex", f"aubrac {command}"]
    words += ["-ex", "echo == end\\n", "-ex", "detach"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, encoding="latin-1", timeout=120,
                          env={**os.environ, "AUBRAC_BUILD": str(harness.BUILD)})
    print(done.stdout[-6000:], done.stderr[-3000:])
    expect_equal("gdb's exit code", done.returncode, 0)
    expect_true("gdb complains of nothing", not re.search(r"Python Exception|Error|No symbol|Traceback", done.stdout + done.stderr))
    return dict(re.findall(r"^== (\w+)\n(.*?)(?=^== )", done.stdout, re.MULTILINE | re.DOTALL))


def test():
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        socket = pathlib.Path(place) / "gdb"
        with Shell(limit=190, cpus=2, extra=("-gdb", f"unix:{socket},server=on,wait=off")) as machine:
            machine.command("sleep 1000 & sh -c 'while :; do :; done' & true")
            got = look(socket)
            expect_true("init is listed", re.search(r"^ +1 +1 Blocked ", got["threads"], re.MULTILINE))
            expect_true("the sleeper is listed", re.search(r"Blocked .* sleep$", got["threads"], re.MULTILINE))
            expect_true("someone runs", " Running " in got["threads"])
            expect_true("spaces", re.search(r"^ +1 +0xffff\w+ +\d+ .* \w+$", got["spaces"], re.MULTILINE))
            expect_true("frames in the lists agree with their count", "NOT" not in got["frames"] and re.search("lists hold [1-9]", got["frames"]))
            expect_true("the boot CPU's queue", re.search(r"^CPU 0: .* runs, \d+ ready, [1-9]\d* switches", got["runqueues"], re.MULTILINE))
            expect_true("locks are counted", re.search(r"^\d+ locks are held", got["locks"], re.MULTILINE))
            # Nothing was disturbed.
            expect_equal("the shell goes on", machine.command("kill %1 %2; echo $((6 * 7))")[0], 0)
            machine.power_off()


harness.run(test)
