#!/usr/bin/python3
# timeout: 200
# once: yes
"""What the loader hands over may lie anywhere, and the CPU's state is whatever the firmware left: machines on the -kernel path whose
archive lies partly in memory that the firmware reserved, one without a firmware that sets up interrupts, too little memory, and
control registers with bits that are not ours."""
import pathlib
import tempfile

from machine import harness
from harness import expect_equal

SCRIPT = """#!/bin/sh
export PATH=/bin:/sbin
echo first-words
sleep 1
echo after-the-sleep
reboot -f
"""
# The firmware's drivers take pages for their queues from the top of memory, where QEMU has put the archive.
DISK = "if=none,format=raw,file.driver=null-co,file.size=64M"
NVME = ["-drive", f"{DISK},id=fast", "-device", "nvme,serial=a,drive=fast"]
THREE_DISKS = [word for n in range(3) for word in ("-drive", f"{DISK},id=d{n}", "-device", f"virtio-blk-pci,drive=d{n}")]


def boots(what, initrd, extra, **settings):
    with harness.Machine(initrd=initrd, append="console=ttyS0 quiet panic=-1", limit=40, extra=extra, **settings) as machine:
        machine.expect("first-words")
        machine.expect("after-the-sleep")
        expect_equal(what, machine.finish(), harness.POWERED_OFF)


def refuses(what, extra, wanted, **settings):
    """The machine says why it does not start, and stops in a way that a test sees."""
    with harness.Machine(append="console=ttyS0 panic=-1", limit=30, extra=extra, **settings) as machine:
        machine.expect(wanted)
        expect_equal(what, machine.finish(), harness.PANICKED)


def with_registers(what, initrd, change):
    """A debugger plays the firmware: it changes a register before the kernel's first instruction."""
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        stub = pathlib.Path(place) / "gdb"
        extra = ["-S", "-gdb", f"unix:{stub},server=on,wait=off", "-cpu", "max"]
        with harness.Machine(initrd=initrd, append="console=ttyS0 quiet panic=-1", limit=60, extra=extra) as machine:
            harness.at_the_first_instruction(stub, *change)
            machine.expect("after-the-sleep")
            expect_equal(what, machine.finish(), harness.POWERED_OFF)


def machine_check(initrd):
    """An error of the hardware, as QEMU makes one: the panic tells the bank."""
    with harness.Machine(initrd=initrd, append="console=ttyS0 quiet panic=-1", limit=40, keyboard=True) as machine:
        machine.expect("first-words")
        machine.monitor("mce 0 4 0xbe00000000000135 4 0x1234 0x85")
        machine.expect("machine check")
        machine.expect(r"bank 4: uncorrected error 0x0135, model's code 0x0000, the CPU's state is lost, address 0x1234")
        machine.expect("end of panic")
        expect_equal("a machine check", machine.finish(), harness.PANICKED)


def test():
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        init = pathlib.Path(place) / "init"
        init.write_text(SCRIPT)
        initrd = harness.make_initramfs(pathlib.Path(place) / "initramfs.cpio.gz", init=init)
        for machine in "q35", "pc":
            boots(f"{machine} with NVMe", initrd, ["-M", machine] + NVME)
            boots(f"{machine} with three disks", initrd, ["-M", machine] + THREE_DISKS, cpus=2)
        boots("microvm without ACPI", initrd, ["-M", "microvm,acpi=off"])
        boots("microvm with ACPI", initrd, ["-M", "microvm"], cpus=2)
        # Five levels of tables, and what else an operating system would turn on: CR4.LA57, SMEP, SMAP, PKE.
        with_registers("LA57 left on", initrd, ["set $cr4 = $cr4 | 0x1000"])
        with_registers("protections left on", initrd, ["set $cr4 = $cr4 | 0x701000"])
        machine_check(initrd)
        refuses("16 MiB", (), "cannot start: there is too little memory", memory="16M")
        refuses("16 MiB of a microvm", ["-M", "microvm"], "cannot start: there is too little memory", memory="16M")
        refuses("an old CPU", ["-cpu", "pentium3"], r"cannot start: this CPU lacks SSE2 long mode \(64 bit\)\.")
        refuses("no SYSCALL", ["-cpu", "max,-syscall"], "panic: kernel panic on CPU 0: this CPU has no SYSCALL")


harness.run(test)
