#!/usr/bin/python3
# timeout: 200
"""Damaged and foreign archives: one clear line and no half-unpacked tree, never a crash of another kind."""
import gzip
import pathlib
import random
import tempfile

from machine import harness


def boots_with(data, wanted, code):
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        path = pathlib.Path(place) / "archive"
        path.write_bytes(data)
        with harness.Machine(initrd=path, append="console=ttyS0 panic=-1", limit=40) as machine:
            machine.expect(wanted)
            harness.expect_equal(f"exit code after {wanted!r}", machine.finish(), code)


def test():
    whole = (harness.BUILD / "initramfs.cpio.gz").read_bytes()
    plain = gzip.decompress(whole)
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 0x55
    numbers = random.Random(1)
    for data in (whole[: len(whole) // 2], bytes(damaged), plain[: len(plain) // 3], numbers.randbytes(100000),
                 plain[:6] + numbers.randbytes(104) + plain[110:]):
        boots_with(data, r"initramfs: .*\n", harness.PANICKED)


harness.run(test)
