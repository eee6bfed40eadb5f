#!/usr/bin/python3
# timeout: 280
# cpus: 1 4
"""Job control and line editing at the serial line, in every static shell that Debian has: ^C, ^Z, ^\\, jobs, fg, bg, kill %1, the
arrow up, TAB."""
import re

from machine import Shell, harness
from harness import expect_true

PROMPT = "P# "   # mksh insists on the # of root
# How each is started, and what it says of a stopped job and one that was told to quit.
SHELLS = {
    "bash": ("/tests/bash-static --norc --noprofile -i", r"Stopped"),
    "zsh": ("/tests/zsh-static -f -i", r"suspended"),
    "mksh": ("/tests/mksh-static -i", r"Stopped"),
    "ash": ("busybox ash -i", r"Stopped"),
}
# It says that it is in the foreground: before that ^C would be the shell's own.
SLEEP = "sh -c 'echo slee\"\"ping; exec sleep 1000'\n"
ENDED = r"(?i)(terminated|done|killed|143)"


def at_prompt(machine):
    machine.expect(re.escape(PROMPT))


def is_alive(machine, word):
    """The shell itself was not hit."""
    machine.send(f"echo {word}\"\"-{word}=$?\n")
    machine.expect(rf"\n{word}-{word}=(\d+)\r")
    status = int(machine.child.match.group(1))
    at_prompt(machine)
    return status


def run_jobs(machine, stopped):
    machine.send(SLEEP)
    machine.expect("sleeping")
    machine.send("\x03")
    at_prompt(machine)
    expect_true("^C ended the program", is_alive(machine, "interrupted") == 130)

    machine.send(SLEEP)
    machine.expect("sleeping")
    machine.send("\x1c")
    at_prompt(machine)
    expect_true("^\\ ended the program", is_alive(machine, "quit") == 131)

    machine.send(SLEEP)
    machine.expect("sleeping")
    machine.send("\x1a")
    machine.expect(stopped)
    at_prompt(machine)
    machine.send("jobs\n")
    machine.expect(stopped)
    at_prompt(machine)
    machine.send("bg\n")
    at_prompt(machine)
    machine.send("jobs\n")
    machine.expect("(?i)running")
    at_prompt(machine)
    machine.send("fg\n")
    machine.expect("sleep 1000")
    is_foreground(machine)
    machine.send("\x1a")
    machine.expect(stopped)
    at_prompt(machine)
    machine.send("kill %1; kill -CONT %1; wait %1 2>/dev/null; echo gone\"\"-by-$?\n")
    machine.expect(r"\ngone-by-\d+")
    at_prompt(machine)
    machine.send("\n")
    at_prompt(machine)
    machine.send("jobs | grep -c sleep\n")
    machine.expect(r"\n0\r")
    at_prompt(machine)


def is_foreground(machine):
    """What follows is typed to the job: it shows by the terminal's echo alone, without an answer."""
    machine.send("typed-to-the-job")
    machine.expect("typed-to-the-job")


def edit_lines(machine):
    machine.send("echo first\"\"-line\n")
    machine.expect(r"\nfirst-line")
    at_prompt(machine)
    machine.send("\x1b[A")
    machine.expect('first""-line')
    machine.send("\n")
    machine.expect(r"\nfirst-line")
    at_prompt(machine)
    machine.send("cat /tmp/only-one-nam\t")
    machine.expect("only-one-name-like-this")
    machine.send("\n")
    machine.expect("\ncompleted\r")
    at_prompt(machine)


def at_terminal(machine, start, stopped):
    machine.send(f"PS1='{PROMPT}' {start}\n")
    machine.expect(r"\n[^\n]*" + re.escape(PROMPT))
    run_jobs(machine, stopped)
    edit_lines(machine)
    machine.send("exit\n")
    machine.expect("# ")


def test():
    with Shell(limit=270) as machine:
        machine.command("echo completed >/tmp/only-one-name-like-this; export HISTFILE=/tmp/history")
        for name, (start, stopped) in SHELLS.items():
            print(name, flush=True)
            at_terminal(machine, start, stopped)
        machine.power_off()


harness.run(test)
