#!/usr/bin/python3
# timeout: 600
# cpus: 1
# debug cpus: 4
"""Keyboards on USB, with no PS/2 controller in the machine: at the screen's shell, plugged late, behind hubs, plugged and
unplugged again and again without memory getting lost, held down; with MSI-X, MSI, and no interrupt at all."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from machine import Shell, harness  # noqa: E402
from screen_console import ScreenConsole  # noqa: E402
from harness import Failure, Machine, expect_true  # noqa: E402

NO_PS2 = ["-M", "q35,i8042=off"]
LOG = "console=ttyS0 loglevel=7 panic=-1"
TOLERANCE_KIB = 64   # one page lost at each of REPLUGS would be 80
REPLUGS = 20
KEYBOARD = r"usb: keyboard 0627:0001 at "


def at_the_screen():
    """The shell that getty started on the screen."""
    with Machine(initrd=harness.BUILD / "initramfs.cpio.gz", append="console=ttyS0 loglevel=7", keyboard=True, limit=120,
                 extra=NO_PS2 + ["-device", "qemu-xhci", "-device", "usb-kbd"]) as machine:
        machine.expect("no PS/2 controller")
        machine.expect("# ")
        console = ScreenConsole(machine)
        console.prompt("~ #")
        console.type("echo Typed $((40 + 2))\n")
        console.shows("Typed 42")
        machine.type_keys("poweroff\n")
        machine.must_end_with(harness.POWERED_OFF)


def must_read(machine, what, is_right, type_it):
    """What comes out of the screen's terminal when `type_it` presses keys."""
    machine.command("(read -r line </dev/tty1; echo \"line=[$line]\") & true")
    type_it()
    line = machine.expect(r"line=\[(\w*)\]", limit=60).group(1)
    expect_true(f"{what}: read {line!r}", is_right(line))


def must_type(machine, word):
    must_read(machine, f"typed {word}", lambda line: line == word, lambda: machine.type_keys(word + "\n"))


def plug(machine, what="usb-kbd,id=k,bus=x.0,port=1", seen=KEYBOARD):
    machine.monitor(f"device_add {what}")
    machine.expect(seen, limit=60)


def unplug(machine, name="k", seen="usb: keyboard at [0-9.]+ is gone"):
    machine.monitor(f"device_del {name}")
    machine.expect(seen, limit=60)


def nothing_lost(machine, before):
    """The memory that is free comes back to `before`, give or take what the shell's children leave for a moment."""
    lost = []
    for _ in range(10):
        lost.append(before - machine.free_kib())
        if lost[-1] <= TOLERANCE_KIB:
            return
        time.sleep(0.2)
    raise Failure(f"KiB of memory lost: {lost}")


def held_key(machine):
    def hold():
        machine.monitor("sendkey a 1500")
        machine.monitor("sendkey ret 20")
    must_read(machine, "a key held for 1.5 s", lambda line: len(line) >= 3 and set(line) == {"a"}, hold)


def locks(machine):
    must_read(machine, "caps lock", lambda line: line == "AbC",
              lambda: machine.press(["caps_lock", "a", "shift-b", "c", "caps_lock", "ret"]))


def hubs(machine):
    hub = r"usb: hub 0409:55aa at "
    plug(machine, "usb-hub,id=h,bus=x.0,port=2", hub)
    plug(machine, "usb-kbd,id=k,bus=x.0,port=2.3")
    must_type(machine, "behind")
    unplug(machine)
    plug(machine, "usb-hub,id=g,bus=x.0,port=2.1", hub)
    plug(machine, "usb-kbd,id=k,bus=x.0,port=2.1.8")
    must_type(machine, "further")
    unplug(machine, "h", "usb: hub at [0-9]+ is gone")   # with everything behind it


def hasty(machine):
    """In and out again before anyone has finished looking."""
    for i in range(30):
        machine.monitor("device_add usb-kbd,id=k,bus=x.0,port=1")
        time.sleep(i % 10 * 0.03)   # not a wait: each round meets the driver at another point
        machine.monitor("device_del k")
    for i in range(10):
        machine.monitor("device_add usb-hub,id=h,bus=x.0,port=2")
        machine.monitor("device_add usb-kbd,id=k,bus=x.0,port=2.3")
        time.sleep(i * 0.06)
        machine.monitor("device_del k")
        time.sleep(i % 3 * 0.05)
        machine.monitor("device_del h")


def late():
    with Shell(append=LOG, keyboard=True, limit=400, extra=NO_PS2 + ["-device", "qemu-xhci,id=x"]) as machine:
        plug(machine)
        must_type(machine, "late")
        held_key(machine)
        locks(machine)
        unplug(machine)
        hubs(machine)   # once, so that what stays for ever is there before memory is measured
        before = machine.free_kib()
        for _ in range(REPLUGS):
            plug(machine)
            unplug(machine)
        nothing_lost(machine, before)
        for _ in range(4):
            hubs(machine)
        nothing_lost(machine, before)
        hasty(machine)
        plug(machine, "usb-kbd,id=k,bus=x.0,port=3", KEYBOARD + "7,")
        must_type(machine, "again")
        unplug(machine, seen="usb: keyboard at 7 is gone")
        nothing_lost(machine, before)
        plug(machine)
        # A keyboard that goes while a key is down lets it go.
        machine.monitor("sendkey shift 2000")
        unplug(machine)
        plug(machine)
        must_type(machine, "lower")
        machine.power_off()


def at_boot(*extra, seen):
    """One that is there from the start, at another machine or controller."""
    with Shell(append=LOG, keyboard=True, limit=120, extra=list(extra)) as machine:
        machine.command("while ! dmesg | grep -q 'usb: keyboard'; do sleep 0.1; done; dmesg | grep usb:")
        must_type(machine, "boot")
        expect_true(f"{seen!r} in the log", seen in machine.serial())
        machine.power_off()


def test():
    at_the_screen()
    late()
    at_boot("-M", "pc,i8042=off", "-device", "qemu-xhci", "-device", "usb-hub,port=1", "-device", "usb-kbd,port=1.2", seen="ports, MSI-X")
    at_boot(*NO_PS2, "-device", "pcie-root-port,id=r", "-device", "nec-usb-xhci,msix=off,bus=r", "-device", "usb-kbd", seen="ports, MSI\n")
    at_boot(*NO_PS2, "-device", "nec-usb-xhci,msix=off,msi=off", "-device", "usb-kbd", seen="no interrupt")


harness.run(test)
