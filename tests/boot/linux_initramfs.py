#!/usr/bin/python3
# timeout: 120
"""An initramfs made for Linux, plain and gzip, with its own /init and no more than Linux
promises it: a console, an empty /proc and /dev to mount on. Command line as for Linux."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402
from harness import Failure, Machine, expect_equal, expect_true  # noqa: E402,F401

import gzip
import subprocess
import tempfile

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
echo "console works"
read -r answer </dev/console
echo "read: $answer"
echo "words: $*"
/bin/busybox grep -c processor /proc/cpuinfo
/bin/busybox ls /bin
exec /bin/busybox poweroff -f
"""


def test():
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        place = pathlib.Path(place)
        root = place / "root"
        for name in ("bin", "proc", "sys", "dev"):
            (root / name).mkdir(parents=True)
        subprocess.run(["cp", "/bin/busybox", str(root / "bin")], check=True)
        (root / "init").write_text(INIT)
        (root / "init").chmod(0o755)
        plain = place / "plain.cpio"
        plain.write_bytes(subprocess.run("find . | cpio -o -H newc --quiet", shell=True, cwd=root, check=True, stdout=subprocess.PIPE).stdout)
        packed = place / "packed.cpio.gz"
        packed.write_bytes(gzip.compress(plain.read_bytes(), 9))
        for archive, cpus in ((plain, 1), (packed, 2)):
            with Machine(initrd=archive, append="console=ttyS0 quiet panic=-1 unknown.word=1 -- one two", limit=50, cpus=cpus) as machine:
                machine.expect("console works")
                machine.send("typed by hand\n")
                machine.expect("read: typed by hand")
                machine.expect("words: one two")
                machine.expect(r"\n\d+\s+busybox\s+", limit=20)
                machine.must_end_with(harness.POWERED_OFF)


harness.run(test)
