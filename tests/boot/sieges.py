#!/usr/bin/python3
# cpus: 4
# timeout: 600
"""tools/siege for a short while: root's shell goes on, all is killed, memory is back. How soon the shell answers depends on
the host here, so that the bound is wide; tools/siege by itself holds it to a second."""
import subprocess

from machine import harness


def test():
    command = [str(harness.SOURCE / "tools/siege"), "0.5", "--cpus", str(harness.default_cpus()), "--within", "60"]
    harness.expect_equal("tools/siege's exit code", subprocess.run(command, check=False).returncode, 0)


harness.run(test)
