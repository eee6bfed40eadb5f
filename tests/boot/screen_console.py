"""A person at screen and keyboard: QEMU's monitor presses the keys, and a shell on the serial port tells what /dev/vcsa shows."""
import base64
import time

from console import Terminal, harness

KEYS = {" ": "spc", "\n": "ret", "\r": "ret", "\t": "tab", "\x1b": "esc", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right",
        "\\": "backslash", ";": "semicolon", "'": "apostrophe", "`": "grave_accent", ",": "comma", ".": "dot", "/": "slash",
        "\x1b[A": "up", "\x1b[D": "left", "\x1c": "ctrl-backslash"}
SHIFTED = dict(zip('!@#$%^&*()_+{}|:"~<>?', "1 2 3 4 5 6 7 8 9 0 minus equal bracket_left bracket_right backslash semicolon "
                                            "apostrophe grave_accent comma dot slash".split()))
KEYS.update({character: f"shift-{key}" for character, key in SHIFTED.items()})
AT_ONCE = 4   # keys; the emulated keyboard keeps 16 codes, and a program on the serial port runs when they have been read


def key_names(text):
    while text:
        length = 3 if text[:3] in KEYS else 1
        part, text = text[:length], text[length:]
        if part in KEYS:
            yield KEYS[part]
        elif ord(part) < 32:
            yield f"ctrl-{chr(ord(part) + 96)}"
        else:
            yield f"shift-{part.lower()}" if part.isupper() else part


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
        for number, key in enumerate(key_names(keys), 1):
            self.machine.monitor(f"sendkey {key} 15")
            time.sleep(0.03)
            if number % AT_ONCE == 0:
                self.machine.command(":")
