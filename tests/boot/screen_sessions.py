#!/usr/bin/python3
# timeout: 240
# once: yes
"""Someone works at the screen: the shell that getty started there, bash, vi, less and top, typed on the emulated keyboard."""
import pathlib
import shutil
import tempfile

from console import harness
from screen_console import ScreenConsole
from sessions import edits, less_session, stops, top_session, vi_session


def test():
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        place = pathlib.Path(place)
        (place / "extra/tests").mkdir(parents=True)
        shutil.copy(harness.BUILD / "tests/root/tests/bash-static", place / "extra/tests")
        initrd = harness.make_initramfs(place / "initramfs.cpio.gz", extra=place / "extra")
        with harness.Machine(initrd=initrd, limit=220, keyboard=True, append="console=ttyS0 quiet panic=-1") as machine:
            machine.expect("# ")
            at_screen(machine)
            machine.send("poweroff\n")
            machine.must_end_with(harness.POWERED_OFF)


def at_screen(machine):
    console = ScreenConsole(machine)
    console.prompt("~ #")
    console.type("PS1='# '\n")
    console.prompt("#")
    edits(console, "#")
    console.type("PS1='bash> ' /tests/bash-static --noprofile --norc -i\n")
    console.prompt("bash>")
    edits(console, "bash>")
    stops(console, "\x03", prompt="bash>")
    stops(console, "\x1c", "Quit", prompt="bash>")
    stops(console, "\x1a", "Stopped", prompt="bash>")
    console.type("kill -9 %1; while kill -0 %1 2>/dev/null; do :; done; exit\n")
    console.prompt("#")
    vi_session(console)
    less_session(console)
    top_session(console)


harness.run(test)
