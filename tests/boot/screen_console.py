"""A person at screen and keyboard: QEMU's monitor presses the keys, and a shell on the serial port tells what /dev/vcsa shows."""
import base64
import time

from console import Terminal, harness

class ScreenConsole(Terminal):
    def __init__(self, machine):
        self.machine = machine
        self.cells, self.at = [""], (0, 0)

    def rows(self):
        return self.cells

    def cursor(self):
        return self.at

    def pump(self, seconds):
        time.sleep(seconds)
        status, text = self.machine.command("base64 -w 0 /dev/vcsa1; echo")
        harness.expect_equal("reading /dev/vcsa1", status, 0)
        data = base64.b64decode(text.strip().split()[-1])
        height, width, x, y = data[:4]
        characters = data[4::2].decode("latin-1")
        self.cells = [characters[row * width:(row + 1) * width] for row in range(height)]
        self.at = y, x

    def type(self, keys):
        self.machine.type_keys(keys)
        self.pump(0)   # what was there before is no answer
