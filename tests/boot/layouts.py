#!/usr/bin/python3
# timeout: 200
"""Keyboard layouts: keymap= on the kernel's command line, one that there is not, and what loadkmap loads later; keys pressed
on the emulated keyboard, and the bytes that a program reads from the screen's terminal. Also without the controller's
translation (scan code set 2), and what Ctrl-Alt-Del does, and the requests of tests/user/keyboard_requests.c."""
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from machine import Shell, harness  # noqa: E402

LOG = "console=ttyS0 loglevel=7 panic=-1 "
# QEMU names keys by where they are on a US keyboard.
FRENCH = ("q w semicolon 2 0 bracket_left e alt_r-0 alt_r-e alt_r-8 shift-z".split(), "azméàê@€\\W")
GERMAN = ("y minus apostrophe alt_r-q alt_r-e equal e alt_r-less".split(), "zßä@€é|")
SPANISH = ("semicolon alt_r-2 apostrophe a".split(), "ñ@á")
US = ("q z semicolon shift-2".split(), "qz;@")


def reads(machine, what, pair):
    keys, text = pair
    machine.command("(read -r line </dev/tty1; echo \"line=[$(printf %s \"$line\" | od -An -v -tx1 | tr -d ' \\n')]\") & true")
    machine.press(keys + ["ret"])
    got = machine.expect(r"line=\[([0-9a-f]*)\]", limit=60).group(1)
    harness.expect_equal(what, got, text.encode().hex())


def boot(append):
    return Shell(append=LOG + append, keyboard=True, limit=90)


def log_has(machine, words):
    harness.expect_equal(words, machine.command(f"dmesg | grep -q '{words}'")[0], 0)


def french():
    with boot("keymap=fr") as machine:
        log_has(machine, "keyboard: layout fr")
        reads(machine, "French", FRENCH)
        harness.expect_equal("dumpkmap and loadkmap", machine.command(
            "dumpkmap >/tmp/fr && loadkmap </usr/share/keymaps/es.bkmap")[0], 0)
        reads(machine, "Spanish, loaded", SPANISH)
        harness.expect_equal("by nobody", machine.command("su nobody -c 'loadkmap </usr/share/keymaps/de.bkmap' 2>/dev/null")[0], 1)
        harness.expect_equal("loadkmap of what is none", machine.command("loadkmap </etc/passwd 2>/dev/null")[0], 1)
        reads(machine, "Spanish still", SPANISH)
        harness.expect_equal("loaded again", machine.command("loadkmap </tmp/fr")[0], 0)
        reads(machine, "French again", FRENCH)
        machine.monitor("sendkey ctrl-alt-delete")
        machine.must_end_with(harness.POWERED_OFF)   # a reset, which -no-reboot makes the end


def german_in_set_2():
    with boot("keymap=de i8042.direct") as machine:
        log_has(machine, "scan code set 2")
        reads(machine, "German", GERMAN)
        machine.send("poweroff -f\n")
        machine.must_end_with(harness.POWERED_OFF)


def unknown():
    with boot("keymap=nowhere") as machine:
        log_has(machine, "keymap=nowhere: no such layout; us is taken")
        reads(machine, "US", US)
        machine.send("poweroff -f\n")
        machine.must_end_with(harness.POWERED_OFF)


INITTAB = """::sysinit:/bin/sh -c 'echo init-is-up >/dev/ttyS0'
::ctrlaltdel:/bin/sh -c 'echo told-init >/dev/ttyS0; poweroff -f'
"""


def init_is_told():
    """busybox's init asks by reboot(2) to hear of Ctrl-Alt-Del."""
    with tempfile.TemporaryDirectory(prefix="aubrac-") as name:
        extra = pathlib.Path(name) / "extra"
        (extra / "etc").mkdir(parents=True)
        (extra / "etc/inittab").write_text(INITTAB)
        initrd = harness.make_initramfs(pathlib.Path(name) / "initramfs.cpio.gz", extra=extra)
        with harness.Machine(initrd=initrd, append=LOG + "rdinit=/sbin/init", keyboard=True, limit=60) as machine:
            machine.expect("init-is-up")
            machine.monitor("sendkey ctrl-alt-delete")
            machine.expect("told-init")
            machine.must_end_with(harness.POWERED_OFF)


def requests():
    with Shell(append=LOG, limit=90) as machine:
        status, text = machine.command("/tests/keyboard_requests")
        harness.expect_equal(f"keyboard_requests: {text}", status, 0)
        machine.power_off()


def test():
    requests()
    init_is_told()
    french()
    german_in_set_2()
    unknown()


harness.run(test)
