#!/usr/bin/python3
# timeout: 240
# once: yes
"""Someone works at the screen: the shell that getty started there, bash, mksh, zsh, vi, less and top, typed on the emulated keyboard."""
import pathlib
import shutil
import tempfile

from console import harness
from screen_console import ScreenConsole
from sessions import clears, edits, less_session, stops, top_session, vi_session


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


def stops_and_resumes(console, prompt, quit_text, stopped):
    stops(console, "\x03", prompt=prompt)
    stops(console, "\x1c", quit_text, prompt=prompt)
    stops(console, "\x1a", stopped, prompt=prompt)
    clears(console, prompt)
    console.type("bg\n")
    console.shows("tail -f /tmp/here")
    console.prompt(prompt)
    clears(console, prompt)
    console.type("cat /tmp/here -\n")
    console.shows("here 42")
    echoed_and_copied(console, "one")
    console.type("\x1a")
    console.prompt(prompt)
    clears(console, prompt)
    console.type("fg\n")
    console.shows("cat /tmp/here -")
    echoed_and_copied(console, "two")   # it has the terminal, or it could not read
    console.type("\x03")
    console.prompt(prompt)
    console.type("kill -9 %1; wait; echo en''ded\n")
    console.shows("ended")
    console.prompt(prompt)


def echoed_and_copied(console, word):
    console.type(f"{word}\n")
    console.until(f"{word!r} twice", lambda: [line.rstrip() for line in console.rows()].count(word) == 2)


# How each is started, its prompt, and what it says of a job that ^\\ ended and of one that ^Z stopped. (In the first row
# and column 3 or 5 busybox takes the terminal's answer to "where is the cursor?" for the beginning of an arrow key, and loses a
# key that comes within 50 ms, on Linux, too.)
SHELLS = (("PS1='ash> ' sh -i", "ash>", "Quit", "Stopped"),
          ("PS1='bash> ' /tests/bash-static --noprofile --norc -i", "bash>", "Quit", "Stopped"),
          ("PS1='mksh# ' /tests/mksh-static -i", "mksh#", "Quit", "Stopped"),
          ("EDITOR=emacs PS1='zsh> ' /tests/zsh-static -f -i", "zsh>", "quit", "suspended"))


def at_screen(machine):
    console = ScreenConsole(machine)
    console.prompt("~ #")
    console.type("HISTFILE= PS1='# '\n")
    console.prompt("#")
    for command, prompt, quit_text, stopped in SHELLS:
        console.type(f"{command}\n")
        console.prompt(prompt)
        edits(console, prompt)
        stops_and_resumes(console, prompt, quit_text, stopped)
        console.type("exit\n")
        console.prompt("#")
    vi_session(console)
    less_session(console)
    top_session(console)


harness.run(test)
