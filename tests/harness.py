"""Boots the kernel in QEMU for the tests. Environment:
  AUBRAC_BUILD   the build directory with aubrac.elf (default: build of this tree)
  AUBRAC_CPUS    how many CPUs a machine has if its test does not say (default: 1)
  AUBRAC_KERNEL  another kernel for direct boot: a Linux bzImage proves a test on Linux
A machine has isa-debug-exit (if it is not left out) and -no-reboot and ends by its time limit at the
latest, so no test hangs. Exit codes: 0 power off or reset, 33 and 35 self-tests passed
and failed, 255 panic.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pexpect

SOURCE = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("AUBRAC_BUILD", SOURCE / "build"))
OVMF = pathlib.Path("/usr/share/OVMF")
QUIET = "console=ttyS0 quiet loglevel=1 panic=-1"
POWERED_OFF, TESTS_PASSED, TESTS_FAILED, PANICKED = 0, 33, 35, 255


def default_kernel():
    return pathlib.Path(os.environ.get("AUBRAC_KERNEL", BUILD / "aubrac.elf"))


def default_cpus():
    return int(os.environ.get("AUBRAC_CPUS", "1"))


def is_linux():
    return "AUBRAC_KERNEL" in os.environ


# ---- the emulated keyboard, US layout

KEYS = {" ": "spc", "\n": "ret", "\r": "ret", "\t": "tab", "\x1b": "esc", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right",
        "\\": "backslash", ";": "semicolon", "'": "apostrophe", "`": "grave_accent", ",": "comma", ".": "dot", "/": "slash",
        "\x1b[A": "up", "\x1b[D": "left", "\x1c": "ctrl-backslash"}
SHIFTED = dict(zip('!@#$%^&*()_+{}|:"~<>?', "1 2 3 4 5 6 7 8 9 0 minus equal bracket_left bracket_right backslash semicolon "
                                            "apostrophe grave_accent comma dot slash".split()))
TYPEWRITER = {"shift", "ctrl", "alt", "backspace", "caps_lock", *(key for key in KEYS.values() if key not in ("up", "left", "ctrl-backslash")),
              *(key for key in SHIFTED.values())}
KEYS.update({character: f"shift-{key}" for character, key in SHIFTED.items()})


def codes_of(key):
    """How many scan codes a key pressed and let go is, at most: Pause has the most, those of the typewriter have 3."""
    return sum(3 if len(part) == 1 or part in TYPEWRITER else 8 for part in key.split("-"))


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


class Failure(Exception):
    """A test's expectation did not hold."""


class Machine:
    """One QEMU. Boots an ISO, a USB stick with that ISO on it, or a kernel directly."""

    def __init__(self, *, initrd=None, append=QUIET, memory="256M", cpus=None, iso=None, usb=None, uefi=False,
                 kernel=None, limit=120, keyboard=False, medium=(), serial=True, debug_exit=True, extra=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aubrac-"))
        self.limit = time.monotonic() + limit
        cpus = cpus or default_cpus()
        command = ["-M", "q35", "-cpu", "max,-la57", "-m", memory, "-smp", str(cpus), "-display", "none", "-nic", "none",
                   "-no-reboot", "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial" if serial else "none"]
        if debug_exit:   # without it a machine that panicked can be looked at
            command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
        if iso:
            command += ["-cdrom", str(iso)]
        elif usb:
            command += ["-device", "qemu-xhci", "-drive", f"if=none,id=stick,format=raw,readonly=on,file={usb}",
                        "-device", "usb-storage,drive=stick,bootindex=0"]
        elif medium:
            command += medium   # arguments that say where to boot from
        else:
            command += ["-kernel", str(kernel or default_kernel()), "-append", append]
            if initrd:
                command += ["-initrd", str(initrd)]
        if uefi:
            # A fresh copy each time: with an old boot entry OVMF turns to the network.
            variables = self.folder / "vars.fd"
            shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
            command += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                        "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
        self.monitor_path = self.folder / "monitor"
        command += ["-monitor", f"unix:{self.monitor_path},server,nowait" if keyboard else "none"]
        self.log = open(self.folder / "serial.log", "w+", encoding="latin-1")
        self.child = pexpect.spawn("qemu-system-x86_64", command + list(extra), encoding="latin-1", echo=False,
                                   timeout=limit, maxread=65536, searchwindowsize=4096)
        self.child.delaybeforesend = None
        self.child.logfile_read = self.log

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.child.close(force=True)
        if kind is not None:
            print("---- the end of the serial log\n" + self.serial()[-6000:] + "\n----")
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def remaining(self):
        return max(0.1, self.limit - time.monotonic())

    def serial(self):
        self.log.flush()
        text = pathlib.Path(self.log.name).read_text(encoding="latin-1")
        return text.replace("\r", "")

    def expect(self, pattern, limit=None):
        """Waits for a regular expression on the serial port; the match."""
        try:
            self.child.expect(pattern, timeout=min(limit or 1e9, self.remaining()))
        except pexpect.TIMEOUT:
            raise Failure(f"did not see {pattern!r} in time") from None
        except pexpect.EOF:
            self.child.wait()
            raise Failure(f"the machine ended (code {self.child.exitstatus}) before {pattern!r}") from None
        return self.child.match

    def send(self, text):
        self.child.send(text)

    def command(self, line, limit=60):
        """Types a line at the shell's prompt; what it printed. The line is echoed before that: twice if it came before
        the prompt, by the terminal and by the shell's line editor, which also breaks it at the screen's edge."""
        mark = f"@{time.monotonic_ns()}@"
        end = f"'{mark[3:]}'$?."
        self.child.send(f"{line}; echo '{mark[:3]}'{end}\n")
        self.expect(re.escape(mark) + r"(\d+)\.", limit)
        status = int(self.child.match.group(1))
        text = re.split("\n?".join(map(re.escape, end)), self.child.before.replace("\r", ""))[-1]
        return status, text.split("\n", 1)[1] if "\n" in text else text

    def monitor(self, line):
        """One command to QEMU's monitor; its answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            try:
                connection.connect(str(self.monitor_path))
            except OSError:
                raise Failure("QEMU's monitor does not answer: the machine has ended") from None
            self._read_prompt(connection)
            connection.sendall(line.encode() + b"\n")
            return self._read_prompt(connection)

    def screen_text(self):
        """The rows of text on a graphical screen, of 8 x 16 pixels a character from the left upper corner on, by the kernel's own font."""
        path = self.folder / "screen.ppm"
        self.monitor(f"screendump {path}")
        kind, size, _, pixels = path.read_bytes().split(b"\n", 3)
        expect_equal("the picture's kind", kind, b"P6")
        width, height = map(int, size.split())
        font = (BUILD / "fonts/Uni2-Terminus16.psf").read_bytes()
        characters = {font[4 + 16 * code:20 + 16 * code]: chr(code) for code in range(126, 31, -1)}
        rows = []
        for top in range(0, height - 15, 16):
            bits = [pixels[3 * y * width:3 * (y + 1) * width:3].translate(b"0" * 128 + b"1" * 128) for y in range(top, top + 16)]
            cells = (bytes(int(line[x:x + 8], 2) for line in bits) for x in range(0, width - 7, 8))
            rows.append("".join(characters.get(cell, "\0") for cell in cells).rstrip())
        return rows

    def wait_for_screen(self, text):
        """Until a row of the screen has `text` in it; all rows."""
        while True:
            rows = self.screen_text()
            if any(text in row for row in rows):
                return rows
            if self.remaining() < 1:
                raise Failure(f"{text!r} is not on the screen: {[row for row in rows if row]}")
            time.sleep(0.3)

    @staticmethod
    def _read_prompt(connection):
        text = b""
        while not text.rstrip().endswith(b"(qemu)"):
            got = connection.recv(4096)
            if not got:
                break
            text += got
        return text.decode(errors="replace")

    def press(self, keys):
        """Presses keys by QEMU's names. The emulated keyboard keeps 16 codes and forgets the rest: before there are more, a command
        runs on the serial port, whose shell must be at a prompt. None runs after the last key."""
        codes = 0
        for key in keys:
            more = codes_of(key)
            if codes + more > 16:
                self.command(":")
                codes = 0
            codes += more
            self.monitor(f"sendkey {key} 15")
            time.sleep(0.03)   # the monitor presses keys one after the other, 15 ms each

    def type_keys(self, text):
        self.press(key_names(text))

    def finish(self):
        """Waits for the end; QEMU's exit code."""
        try:
            self.child.expect(pexpect.EOF, timeout=self.remaining())
        except pexpect.TIMEOUT:
            raise Failure("the machine did not end in time") from None
        self.child.wait()
        return self.child.exitstatus

    def must_end_with(self, code):
        got = self.finish()
        if got != code:
            raise Failure(f"QEMU ended with {got}, not {code}")


def at_the_first_instruction(stub, *commands, limit=50):
    """A debugger plays the firmware of a machine that waits with -S and its port at the path `stub`: gdb's `commands` are obeyed before the
    kernel's first instruction, then the machine runs on."""
    end = time.monotonic() + limit
    while not stub.exists():
        expect_true("QEMU's debugger port", time.monotonic() < end)
    all_commands = [f"target remote {stub}", "hbreak *pvh_entry", "continue", *commands, "delete", "detach"]
    subprocess.run(["gdb", "-nx", "-batch", *(word for command in all_commands for word in ("-ex", command)), str(BUILD / "aubrac.elf")],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=limit)


def make_initramfs(output, *, extra=None, init=None, bare=False):
    command = [str(SOURCE / "tools/initramfs")]
    if extra:
        command += ["--extra", str(extra)]
    if init:
        command += ["--init", str(init)]
    if bare:
        command += ["--bare"]
    subprocess.run(command + [str(output)], check=True)
    return output


def run_script(script, *, limit=120, code=POWERED_OFF, append=QUIET, **machine):
    """Boots with a busybox sh script as /init (the workload program at hand); its output.
    The machine must end with `code`: the script's last command powers off."""
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        place = pathlib.Path(place)
        (place / "root/tests").mkdir(parents=True)
        for program in (BUILD / "tests/root/tests").iterdir():
            if program.name in ("workload", "wild"):
                shutil.copy(program, place / "root/tests")
        (place / "init").write_text(SCRIPT_START + script + "\npoweroff -f\n")
        initrd = make_initramfs(place / "initramfs.cpio.gz", extra=place / "root", init=place / "init")
        with Machine(initrd=initrd, append=append, limit=limit, **machine) as guest:
            guest.must_end_with(code)
            return guest.serial()


# A builtin-only look at /proc/meminfo: it works where nothing can be forked.
SCRIPT_START = """#!/bin/sh
mount -t proc proc /proc 2>/dev/null
mount -t devtmpfs dev /dev 2>/dev/null
free_kib() { while read name value unit; do [ "$name" = MemFree: ] && echo "$1 $value"; done </proc/meminfo; }
"""


def numbers(text):
    """{name: value} of all lines of NAME NUMBER."""
    return {name: int(value) for name, value in re.findall(r"^(\w+) (-?\d+)$", text, re.MULTILINE)}


def make_iso(output, *, initramfs, append, size="1280x800"):
    subprocess.run([str(SOURCE / "tools/iso"), "--output", str(output), "--kernel", str(BUILD / "aubrac.elf"),
                    "--initramfs", str(initramfs), "--append", append, "--size", size], check=True)
    return output


def expect_equal(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got!r}, not {wanted!r}")


def expect_true(what, holds):
    if not holds:
        raise Failure(what)


def run(test):
    """Runs a test function; ends the program with 0 or 1."""
    try:
        test()
    except Failure as failure:
        print(f"FAILED: {failure}")
        sys.exit(1)
    print("passed")
    sys.exit(0)
