#!/usr/bin/python3
# timeout: 90
"""A command typed on the emulated PS/2 keyboard, with the shell on the screen: its effect
comes out of the serial port, and it powers the machine off."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402
from harness import Failure, Machine, expect_equal, expect_true  # noqa: E402,F401


def test():
    initramfs = harness.BUILD / "initramfs.cpio.gz"
    with Machine(initrd=initramfs, append="console=ttyS0 console=tty0 loglevel=7", keyboard=True, limit=80) as machine:
        machine.expect("is process 1")
        import time
        for _ in range(30):   # the prompt is on the screen, where this test cannot look: type until there is an answer
            machine.type_keys("\necho Typed_Keys >/dev/ttyS0\n")
            try:
                machine.expect("Typed_Keys", limit=3)
                break
            except Failure:
                time.sleep(0.5)
        else:
            raise Failure("nothing that was typed had an effect")
        machine.type_keys("poweroff -f\n")
        machine.must_end_with(harness.POWERED_OFF)


harness.run(test)
