#!/usr/bin/python3
# timeout: 240
# once: yes
"""Someone works at the screen: the shell that getty started there, bash, mksh, zsh, vi, less and top, typed on the emulated keyboard."""
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
        for shell in ("bash-static", "mksh-static", "zsh-static"):
            shutil.copy(harness.BUILD / "tests/root/tests" / shell, place / "extra/tests")
        initrd = harness.make_initramfs(place / "initramfs.cpio.gz", extra=place / "extra")
        with harness.Machine(initrd=initrd, limit=220, keyboard=True, append="console=ttyS0 quiet panic=-1") as machine:
            machine.expect("# ")
            at_screen(machine)
            machine.send("poweroff\n")
            machine.must_end_with(harness.POWERED_OFF)


# How each is started, its prompt, and what it says of a job that ^\\ ended and of one that ^Z stopped.
SHELLS = (("PS1='bash> ' /tests/bash-static --noprofile --norc -i", "bash>", "Quit", "Stopped"),
          ("PS1='mksh# ' /tests/mksh-static -i", "mksh#", "Quit", "Stopped"),
          ("EDITOR=emacs PS1='zsh> ' /tests/zsh-static -f -i", "zsh>", "quit", "suspended"))


def at_screen(machine):
    console = ScreenConsole(machine)
    console.prompt("~ #")
    console.type("HISTFILE= PS1='# '\n")
    console.prompt("#")
    edits(console, "#")
    for command, prompt, quit_text, stopped in SHELLS:
        console.type(f"{command}\n")
        console.prompt(prompt)
        edits(console, prompt)
        stops(console, "\x03", prompt=prompt)
        stops(console, "\x1c", quit_text, prompt=prompt)
        stops(console, "\x1a", stopped, prompt=prompt)
        console.type("kill -9 %1; while kill -0 %1 2>/dev/null; do :; done; exit\n")
        console.prompt("#")
    vi_session(console)
    less_session(console)
    top_session(console)


harness.run(test)
