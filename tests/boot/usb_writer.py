#!/usr/bin/python3
# once: yes
# timeout: 120
"""tools/usb: writes the image to a file in place of a stick, asks before, checks after, refuses what it must; no device is
touched. The machine boots from what was written."""
import pathlib
import subprocess
import tempfile

from machine import harness

IMAGE = harness.BUILD / "aubrac.iso"


def usb(*arguments, answer=""):
    done = subprocess.run([str(harness.SOURCE / "tools/usb"), "--image", str(IMAGE), *map(str, arguments)], input=answer,
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def refuses(words, *arguments, **settings):
    code, text = usb(*arguments, **settings)
    harness.expect_true(f"{arguments}: {text!r} says {words!r}", code == 1 and words in text)


def refuses_devices(place):
    refuses("not a disk", "/dev/null")
    refuses("not a disk", place)
    refuses("No such file", place / "nothing")
    refuses("is missing", "--image", place / "nothing", "--file", IMAGE)
    refuses("name a disk")
    refuses("name a disk", "--file", IMAGE, "/dev/null")
    # What the machine itself runs from, wherever it is a disk that can be seen: never to be written to, whatever is answered.
    for folder in pathlib.Path("/sys/block").glob("*"):
        node = pathlib.Path("/dev") / folder.name
        if node.exists() and (folder / "removable").read_text().strip() == "0" and "/usb" not in str(folder.resolve()):
            refuses("can be taken out", node, answer="no\n")


def test():
    with tempfile.TemporaryDirectory(prefix="aubrac-") as name:
        place = pathlib.Path(name)
        stick = place / "stick"
        size = IMAGE.stat().st_size
        stick.write_bytes(b"")
        refuses("too small", "--file", stick, "--yes")
        with stick.open("wb") as file:
            file.truncate(size + (1 << 20))
        for answer in "", "\n", "no\n", "y\n":
            refuses("nothing was written", "--file", stick, answer=answer)
        harness.expect_true("nothing was written", not any(stick.read_bytes()))
        refuses_devices(place)
        code, text = usb("--file", stick, answer="yes\n")
        harness.expect_true(f"written: {text!r}", code == 0 and "the same" in text)
        harness.expect_true("the image is on it", stick.read_bytes() == IMAGE.read_bytes() + bytes(1 << 20))
        with harness.Machine(limit=80, usb=stick) as machine:
            machine.expect("Welcome to Aubrac")
            machine.expect("# ")
            machine.send("poweroff -f\n")
            machine.must_end_with(harness.POWERED_OFF)


harness.run(test)
