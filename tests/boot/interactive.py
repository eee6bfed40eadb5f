#!/usr/bin/python3
# cpus: 1 4
# timeout: 240
"""People's programs at a terminal: line editing, history, completion and job control of four shells; vi, less, top."""
import pathlib
import shutil
import tempfile

from console import Console, harness
from sessions import less_session, shell_session, top_session, vi_session


def test():
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        place = pathlib.Path(place)
        shutil.copytree(harness.BUILD / "tests/root/tests", place / "extra/tests")
        sessions(harness.make_initramfs(place / "initramfs.cpio.gz", extra=place / "extra"))


def sessions(initrd):
    with harness.Machine(initrd=initrd, limit=220) as machine:
        machine.expect("# ")
        machine.send("stty rows 24 cols 80; export TERM=linux HISTFILE= PS1='# '\n")
        console = Console(machine)
        console.prompt("#")
        shell_session(console, "PS1='ash> ' sh -i", "ash>")
        shell_session(console, "PS1='bash> ' /tests/bash-static --noprofile --norc -i", "bash>")
        shell_session(console, "PS1='mksh# ' /tests/mksh-static -i", "mksh#")
        shell_session(console, "EDITOR=emacs PS1='zsh> ' /tests/zsh-static -f -i", "zsh>", "quit", "suspended")
        vi_session(console)
        less_session(console)
        top_session(console)
        machine.send("poweroff -f\n")
        machine.must_end_with(harness.POWERED_OFF)


harness.run(test)
