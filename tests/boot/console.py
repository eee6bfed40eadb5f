"""A person at the serial port: what the machine prints goes through a terminal emulator (pyte), and is looked at there."""
import time

import pexpect
import pyte

from machine import harness

COLUMNS, ROWS = 80, 24


class Terminal:
    """What both kinds of terminals can be asked; they say rows(), cursor(), type(keys), and pump(seconds), which looks again."""

    def text(self):
        return "\n".join(line.rstrip() for line in self.rows()).rstrip()

    def line(self):
        """The line that the cursor is on, up to it."""
        row, column = self.cursor()
        return self.rows()[row][:column]

    def until(self, what, holds, limit=40):
        end = time.monotonic() + limit
        while not holds():
            if time.monotonic() > end:
                raise harness.Failure(f"never came: {what}; on the screen is\n{self.text()}")
            self.pump(0.1)

    def shows(self, text, limit=40):
        self.until(f"{text!r}", lambda: text in self.text(), limit)

    def prompt(self, prompt, limit=40):
        """The cursor stands behind a fresh prompt."""
        self.until(f"the prompt {prompt!r}", lambda: self.line().rstrip() == prompt, limit)


class Console(Terminal):
    """Types at a machine, and knows what is on the screen. It does not answer "where is the cursor?": busybox's line
    editor, which asks, loses what is typed right behind the answer."""

    def __init__(self, machine):
        self.machine = machine
        self.screen = pyte.HistoryScreen(COLUMNS, ROWS, history=1000, ratio=0.5)
        self.stream = pyte.Stream(self.screen)

    def rows(self):
        return self.screen.display

    def cursor(self):
        return self.screen.cursor.y, self.screen.cursor.x

    def pump(self, seconds):
        """Shows what comes within this time, at most one piece."""
        try:
            self.stream.feed(self.machine.child.read_nonblocking(4096, timeout=seconds))
            return True
        except pexpect.TIMEOUT:
            return False

    def type(self, keys):
        self.machine.send(keys)

