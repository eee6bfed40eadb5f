#!/usr/bin/python3
# timeout: 300
# once: yes
"""The ISO boots from CD and from a USB stick, under SeaBIOS and under OVMF, to a shell."""
from machine import harness

ISO = harness.BUILD / "aubrac.iso"


def boots(what, **settings):
    with harness.Machine(limit=70, **settings) as machine:
        machine.expect("Welcome to Aubrac")
        machine.expect("# ")
        status, text = machine.command("echo $((6 * 7)); uname -s")
        harness.expect_equal(f"{what}: a command", (status, text.split()), (0, ["42", "Linux"]))
        machine.send("poweroff -f\n")
        machine.must_end_with(harness.POWERED_OFF)


def test():
    boots("CD under SeaBIOS", iso=ISO)
    boots("USB stick under SeaBIOS", usb=ISO)
    boots("CD under OVMF", iso=ISO, uefi=True)
    boots("USB stick under OVMF", usb=ISO, uefi=True)


harness.run(test)
