#!/usr/bin/python3
# timeout: 200
"""Every way a machine ends, and what its exit code says; command lines as one uses them for Linux."""
import pathlib
import tempfile

from machine import harness


def ends(what, script, code, append=harness.QUIET, wanted=None):
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        init = pathlib.Path(place) / "init"
        init.write_text("#!/bin/sh\nexport PATH=/bin:/sbin:/usr/bin:/usr/sbin\n" + script)
        initrd = harness.make_initramfs(pathlib.Path(place) / "end.cpio.gz", init=init)
        with harness.Machine(initrd=initrd, append=append, limit=60) as machine:
            if wanted:
                machine.expect(wanted)
            harness.expect_equal(what, machine.finish(), code)


def test():
    ends("init exits", "exit 0\n", harness.POWERED_OFF)
    ends("poweroff -f", "poweroff -f\n", harness.POWERED_OFF)
    ends("reboot -f", "reboot -f\n", harness.POWERED_OFF)
    ends("init= another program", "poweroff -f\n", harness.POWERED_OFF, "console=ttyS0 quiet init=/bin/uname panic=-1 -- -s", "Linux")
    ends("unknown words are warned of", "poweroff -f\n", harness.POWERED_OFF, "console=ttyS0 frobnicate=1 panic=-1", "unknown word 'frobnicate=1'")
    ends("no init is a panic", "", harness.PANICKED, "console=ttyS0 init=/nosuch panic=-1", "no init found")


harness.run(test)
