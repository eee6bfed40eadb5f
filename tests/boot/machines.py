#!/usr/bin/python3
# once: yes
# timeout: 200
"""A few machines of tools/matrix, to the prompt alone: what is most unlike the machines that the other tests boot."""
import os
import subprocess
import sys

from machine import harness

MACHINES = "pc SeaBIOS CD qemu64 1 64M,EPYC 8 16G,no HPET: one CPU,IOMMU"


def test():
    done = subprocess.run([sys.executable, str(harness.SOURCE / "tools/matrix"), "--quick", "--jobs", "2", "--only", MACHINES],
                          env=dict(os.environ, AUBRAC_BUILD=str(harness.BUILD)), check=False)
    harness.expect_equal("machines that failed", done.returncode, 0)


harness.run(test)
