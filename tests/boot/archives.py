#!/usr/bin/python3
# timeout: 200
"""Damaged and foreign archives: one clear line; what came before the damage is used, as on Linux, and never a crash of another kind."""
import gzip
import pathlib
import random
import subprocess
import tempfile

from machine import harness

INIT = b"#!/bin/sh\n/bin/busybox echo the-tree-is-used; /bin/busybox ls -l /last /odd; /bin/busybox poweroff -f\n"


def entry(name, mode, data=b"", links=1):
    name = name.encode() + b"\0"
    fields = (7, mode, 0, 0, links, 0, len(data), 8, 1, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4)


def tree():
    busybox = pathlib.Path("/bin/busybox").read_bytes()
    return entry("bin", 0o40755) + entry("bin/busybox", 0o100755, busybox) + entry("bin/sh", 0o120777, b"busybox") + entry("init", 0o100755, INIT)


TRAILER = entry("TRAILER!!!", 0)


def boots_with(data, code, *wanted):
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        path = pathlib.Path(place) / "archive"
        path.write_bytes(data)
        with harness.Machine(initrd=path, append="console=ttyS0 panic=-1", limit=40) as machine:
            for line in wanted:
                machine.expect(line)
            harness.expect_equal(f"exit code after {wanted!r}", machine.finish(), code)


def test():
    used = "the-tree-is-used"
    last = entry("last", 0o100644, b"x" * 1000)
    failed = r"initramfs: unpacking failed: "
    boots_with(tree(), harness.POWERED_OFF, used)                                      # no trailer: nothing is wrong
    boots_with(tree() + entry("odd", 0, b"data") + last + TRAILER, harness.POWERED_OFF, used, "/odd: No such file", "/last")
    boots_with(tree() + last + TRAILER + b"junk" * 9, harness.POWERED_OFF, failed + "neither a newc.*5 files are used", used, "/last")
    boots_with(tree() + last[:-600], harness.POWERED_OFF, failed + r"the archive ends in the middle of a file \(byte \d+\), at or behind last;", used)
    boots_with(tree() + last.replace(b"000003E8", b"0000zzE8"), harness.POWERED_OFF, failed + "a file's header has a field.*behind init;", used)
    packed = bytearray(gzip.compress(tree() + last + TRAILER))
    packed[-6] ^= 1
    boots_with(bytes(packed), harness.POWERED_OFF, failed + "gzip checksum does not match", used)
    # Nothing before the damage, or no init: the panic says so.
    numbers = random.Random(1)
    boots_with(numbers.randbytes(100000), harness.PANICKED, failed, "no init found")
    boots_with(tree()[:200], harness.PANICKED, failed, "no init found")
    squeezed = subprocess.run(["xz", "--check=crc32"], input=tree() + TRAILER, stdout=subprocess.PIPE, check=True).stdout
    boots_with(entry("early", 0o40755) + TRAILER + squeezed, harness.PANICKED, "begins xz data, which is not unpacked here: make it", failed, "no init found")


harness.run(test)
