#!/usr/bin/python3
# timeout: 120
"""devpts as a file system: what the kernel mounts at boot, a distribution's own mount over it, its options, unmounting."""
import re

from machine import Shell, harness
from harness import expect_equal, expect_true


def listing(machine, master):
    """{name: (mode, uid, gid, device)} of /dev/pts while a master is open; `master` is what leads to one."""
    status, text = machine.command(f"sh -c 'exec 3<>{master}; ls -ln /dev/pts'")
    expect_equal(f"status of a listing ({text!r})", status, 0)
    rows = re.findall(r"^(\S+) +1 (\d+) +(\d+) +(\d+, +\d+) .* (\S+)$", text, re.MULTILINE)
    return {name: (mode, int(uid), int(gid), re.sub(" +", " ", device)) for mode, uid, gid, device, name in rows}


def test():
    with Shell(limit=110) as machine:
        expect_true("it is mounted", "devpts /dev/pts devpts" in machine.command("cat /proc/mounts")[1])
        expect_equal("at boot", listing(machine, "/dev/ptmx"),
                     {"0": ("crw--w----", 0, 5, "136, 0"), "ptmx": ("c---------", 0, 0, "5, 2")})
        expect_equal("afterwards", machine.command("ls /dev/pts"), (0, "ptmx\n"))
        expect_equal("count", machine.command("sh -c 'exec 3<>/dev/ptmx; cat /proc/sys/kernel/pty/nr'; cat /proc/sys/kernel/pty/nr"), (0, "1\n0\n"))

        expect_equal("mount", machine.command("mount -t devpts -o gid=7,mode=640,ptmxmode=666 devpts /dev/pts"), (0, ""))
        options = {"0": ("crw-r-----", 0, 7, "136, 0"), "ptmx": ("crw-rw-rw-", 0, 0, "5, 2")}
        expect_equal("with options", listing(machine, "/dev/ptmx"), options)
        expect_equal("by its own ptmx", listing(machine, "/dev/pts/ptmx"), options)
        # Mounted already, or words that mean nothing: refused, with what stood before them too.
        for wrong in ("gid=8,mode=600", "gid=8,mode=9", "mode=600,gid=x", "ptmxmode=600,nonsense=1", "mode"):
            expect_true(f"{wrong} is refused", machine.command(f"mount -t devpts -o {wrong} devpts /dev/pts")[0] != 0)
        expect_true("what was asked for stays", "gid=7,mode=640,ptmxmode=666 0 0" in machine.command("grep devpts /proc/mounts")[1])

        expect_equal("unmount", machine.command("umount /dev/pts && ls /dev/pts"), (0, ""))
        expect_equal("again", machine.command("mount -t devpts devpts /dev/pts && ls /dev/pts"), (0, "ptmx\n"))
        expect_true("a busy one stays", machine.command("sh -c 'cd /dev/pts; umount /dev/pts'")[0] != 0)
        # All of them: then the next has no number.
        status, text = machine.command("for i in 1 2 3 4; do /tests/bash-static -c 'i=10; while [ $i -lt 310 ]; do "
                                       "eval \"exec $i<>/dev/ptmx\" || break; i=$((i+1)); done; sleep 1000' 2>>/tmp/errors & done; "
                                       "until grep -q . /tmp/errors; do sleep 0.1; done; cat /tmp/errors; cat /proc/sys/kernel/pty/nr", limit=60)
        expect_true(f"there are no more than 1024 ({text!r})", "No space left" in text and "1024" in text)
        machine.command("killall sleep; kill %1 %2 %3 %4")
        machine.command("until [ $(cat /proc/sys/kernel/pty/nr) = 0 ]; do sleep 0.1; done", limit=30)
        expect_equal("given back", listing(machine, "/dev/ptmx")["0"][3], "136, 0")
        machine.power_off()


harness.run(test)
