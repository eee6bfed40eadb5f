#!/usr/bin/python3
# timeout: 150
# cpus: 1 4
"""The screen: what keys type on the virtual consoles, what is shown there (read from /dev/vcs), switching between
them by keys and by programs, and looking back. A shell on the serial port asks, QEMU's monitor types."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from machine import Shell  # noqa: E402
import harness  # noqa: E402
from harness import Failure, expect_equal, expect_true  # noqa: E402

APPEND = "console=tty0 console=ttyS0 quiet loglevel=1 panic=-1"


class ScreenMachine(Shell):
    def run(self, line, status=0):
        got, text = self.command(line)
        text = text.strip("\n")
        expect_equal(f"exit status of {line}: {text}", got, status)
        return text

    def rows(self, number=""):
        """The rows of a console, blanks at their ends cut off; `number` "": what is seen."""
        columns = int(self.run("stty size </dev/tty1").split()[1])
        lines = [row.rstrip() for row in self.run(f"cat /dev/vcs{number} | fold -w {columns}; echo").split("\n")]
        return lines

    def wait_for(self, what, holds):
        for _ in range(100):
            if holds():
                return
            time.sleep(0.2)
        raise Failure(f"did not come to be: {what}")

    def shows(self, text, number=""):
        self.wait_for(f"{text!r} on console {number}", lambda: any(text in row for row in self.rows(number)))

    def key(self, name):
        self.monitor(f"sendkey {name} 20")
        time.sleep(0.1)

    def active(self):
        return self.values("/tests/consoles state")["active"]


def typing(machine):
    machine.run("setsid sh -c 'exec sh -i </dev/tty1 >/dev/tty1 2>&1' & true")
    machine.shows("#", 1)
    machine.type_keys("echo on-the-screen\n")
    machine.shows("on-the-screen", 1)
    expect_true("the echo and the output", sum("on-the-screen" in row for row in machine.rows(1)) == 2)


def attributes(machine):
    machine.run("chvt 3 </dev/tty0")
    machine.run("printf '\\033[H\\033[2J\\033[1;31mR\\033[0;44mB' >/dev/tty3")
    expect_equal("characters and attributes", machine.run("od -An -tx1 -j4 -N4 /dev/vcsa3").split(), ["52", "0c", "42", "17"])
    machine.run("printf '\\033[H\\342\\224\\214' >/dev/tty3")
    expect_equal("a character beyond Latin", machine.run("od -An -tx4 -N4 /dev/vcsu3").split(), ["0000250c"])
    machine.run("chvt 1 </dev/tty0")


def switching(machine):
    expect_equal("the console in front", machine.active(), 1)
    machine.key("alt-f2")
    machine.wait_for("Alt-F2", lambda: machine.active() == 2)
    machine.run("echo written-to-the-second >/dev/tty2")
    machine.shows("written-to-the-second")
    expect_true("the first is untouched", not any("written-to" in row for row in machine.rows(1)))
    machine.key("alt-left")
    machine.wait_for("Alt-Left", lambda: machine.active() == 1)
    machine.key("alt-right")
    machine.wait_for("Alt-Right", lambda: machine.active() == 2)
    machine.run("echo to-the-one-in-front >/dev/tty0")
    machine.shows("to-the-one-in-front", 2)
    machine.key("ctrl-alt-f1")
    machine.wait_for("Ctrl-Alt-F1", lambda: machine.active() == 1)


def programs(machine):
    machine.run("chvt 4 </dev/tty0")
    expect_equal("chvt", machine.active(), 4)
    machine.run("chvt 1 </dev/tty0")
    machine.run("chvt 9 </dev/tty0", status=1)
    refused = machine.values("/tests/consoles errors")
    expect_equal("what is refused", [name for name, value in refused.items() if not value], [])
    expect_equal("graphics and back", machine.values("/tests/consoles graphics"), {"graphics": 1, "text": 0})
    machine.run("sleep 1000 </dev/tty6 & true")
    machine.wait_for("tty6 is open", lambda: machine.values("/tests/consoles state")["open"] & 1 << 6)
    machine.run("openvt -c 5 -w -- sh -c 'tty; echo from-openvt; stty size' </dev/tty0")
    expect_true("what openvt ran", {"/dev/tty5", "from-openvt"} <= set(machine.rows(5)))
    machine.run("deallocvt 5 </dev/tty0")
    machine.run("cat /dev/vcs5", status=1)
    machine.run("deallocvt 1 </dev/tty0", status=1)


def looking_back(machine):
    machine.key("alt-f2")
    machine.wait_for("Alt-F2", lambda: machine.active() == 2)
    machine.run("i=0; while [ $i -lt 300 ]; do echo line-$i.; i=$((i+1)); done >/dev/tty2")
    machine.shows("line-299.")
    for _ in range(4):
        machine.key("shift-pgup")
    half = len([row for row in machine.rows(2) if row]) // 2
    machine.wait_for("an older line is seen", lambda: not any("line-299." in row for row in machine.rows()))
    seen = [row for row in machine.rows() if row.startswith("line-")]
    first, last = int(seen[0][5:-1]), int(seen[-1][5:-1])
    expect_true(f"what is seen is whole: {seen}", last - first == len(seen) - 1 and 299 - last >= half)
    expect_true("the console itself has not moved", any("line-299." in row for row in machine.rows(2)))
    machine.key("shift-pgdn")
    machine.wait_for("further down", lambda: f"line-{first}." not in machine.rows())
    machine.run("echo news >/dev/tty2")
    machine.shows("news")
    machine.key("alt-f1")


def test():
    with ScreenMachine(append=APPEND, keyboard=True, limit=140) as machine:
        machine.command("stty columns 500")   # the shell's own echo does not wrap
        typing(machine)
        switching(machine)
        attributes(machine)
        programs(machine)
        looking_back(machine)
        machine.power_off()


def test_all():
    test()
    # console=tty2: what init prints is there, though another is in front.
    text = harness.run_script("echo on-the-second\ncat /dev/vcs2 >/dev/ttyS0; echo >/dev/ttyS0", limit=60, memory="128M",
                              append="console=ttyS0 console=tty2 quiet loglevel=1 panic=-1")
    expect_true("the second console is /dev/console", "on-the-second" in text)


harness.run(test_all)
