#!/usr/bin/python3
# cpus: 1 4
"""/proc/meminfo's sums over all programs follow what one of them does, and cost the same however many there are."""
import pathlib
import shutil
import tempfile

from machine import harness


def test():
    with tempfile.TemporaryDirectory(prefix="aubrac-") as name:
        place = pathlib.Path(name)
        (place / "root/tests").mkdir(parents=True)
        shutil.copy(harness.BUILD / "tests/root/tests/memory_sums", place / "root/tests")
        (place / "init").write_text("#!/bin/sh\nmount -t proc proc /proc\n/tests/memory_sums\npoweroff -f\n")
        (place / "init").chmod(0o755)
        initrd = harness.make_initramfs(place / "initramfs.cpio.gz", extra=place / "root", init=place / "init")
        with harness.Machine(initrd=initrd, limit=120) as machine:
            machine.must_end_with(harness.POWERED_OFF)
            harness.expect_true("the sums are right", "memory sums passed" in machine.serial())


harness.run(test)
