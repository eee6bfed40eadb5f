#!/usr/bin/python3
# timeout: 300
"""The tests inside the kernel: from the ISO under SeaBIOS and OVMF, and directly with several CPUs."""
import pathlib
import re
import tempfile

from machine import harness


def check(what, **settings):
    with harness.Machine(limit=120, **settings) as machine:
        code = machine.finish()
        text = machine.serial()
        plan = re.search(r"selftest: 1\.\.(\d+)", text)
        passed = len(re.findall(r"selftest: ok \d+ - ", text))
        failed = re.findall(r"selftest: not ok \d+ - .*", text)
        harness.expect_equal(f"{what}: failed tests", failed, [])
        harness.expect_true(f"{what}: a plan", plan)
        harness.expect_equal(f"{what}: tests that passed", passed, int(plan.group(1)))
        harness.expect_equal(f"{what}: exit code", code, harness.TESTS_PASSED)


def test():
    append = "console=ttyS0 selftest panic=-1"
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        iso = harness.make_iso(pathlib.Path(place) / "selftest.iso", initramfs=harness.BUILD / "initramfs.cpio.gz", append=append)
        check("SeaBIOS", iso=iso)
        check("OVMF", iso=iso, uefi=True)
    for cpus in 2, 4:
        check(f"{cpus} CPUs", append=append, cpus=cpus)
    check("nosmp", append=append + " nosmp", cpus=4)
    check("maxcpus", append=append + " maxcpus=3", cpus=4)


harness.run(test)
