#!/usr/bin/python3
# timeout: 240
"""tools/soak for a short while: every storm goes on, finds its results right, and leaves no memory behind."""
import subprocess

from machine import harness


def test():
    harness.expect_equal("tools/soak's exit code", subprocess.run([str(harness.SOURCE / "tools/soak"), "0.25"]).returncode, 0)


harness.run(test)
