#!/usr/bin/python3
# cpus: 1 4
# timeout: 400
"""tools/soak for a short while: every storm goes on, finds its results right, and leaves no memory behind."""
import subprocess

from machine import harness


def test():
    command = [str(harness.SOURCE / "tools/soak"), "0.25", "--cpus", str(harness.default_cpus())]
    harness.expect_equal("tools/soak's exit code", subprocess.run(command, check=False).returncode, 0)


harness.run(test)
