#!/usr/bin/python3
# once: yes
# timeout: 400
"""A second opinion: Bochs has the CPU features that QEMU's TCG lacks (PCID, INVPCID, x2APIC, TSC deadline, an invariant
TSC). The self-tests and the test of shoot-downs on two CPUs, with those features and without."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from machine import harness

SETTINGS = """display_library: term
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=tigerlake, count=2, ips=50000000, reset_on_triple_fault=0
megs: 256
ata0-master: type=cdrom, path={place}/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={place}/serial.log
log: {place}/bochs.log
panic: action=fatal
error: action=report
info: action=ignore
clock: sync=none
"""
SCRIPT = """#!/bin/sh
mount -t proc proc /proc
SHOOTDOWN_SECONDS=1 /tests/shootdowns
grep -E 'tlb_' /proc/vmstat
sync; sleep 1
poweroff -f
"""


def run(place, append, initramfs):
    """Boots in Bochs; what came over the serial port. Powering off ends it."""
    harness.make_iso(place / "boot.iso", initramfs=initramfs, append="console=ttyS0 panic=-1 " + append, size="text")   # all that its terminal can show
    (place / "bochsrc").write_text(SETTINGS.format(place=place))
    (place / "debugger").write_text("c\n")   # Debian's build starts in its debugger
    (place / "serial.log").unlink(missing_ok=True)
    command = f"bochs -q -f {place}/bochsrc -rc {place}/debugger"
    subprocess.run(["script", "-qc", command, "/dev/null"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   env={"TERM": "xterm", "PATH": "/usr/bin:/bin"}, timeout=150, check=False)
    return (place / "serial.log").read_text(encoding="latin-1").replace("\r", "")


def check_self_tests(place):
    text = run(place, "selftest", harness.BUILD / "initramfs.cpio.gz")
    harness.expect_equal("failed self-tests", re.findall(r"not ok \d+ - .*", text), [])
    planned = int(re.search(r"selftest: 1\.\.(\d+)", text).group(1))
    passed = len(re.findall(r"selftest: ok \d+ - ", text))
    harness.expect_true(f"{passed} of {planned} self-tests passed (the end may be cut)", passed >= planned - 1)
    for words in "x2APIC", "alarm: TSC deadline", "2 of 2 CPUs run":
        harness.expect_true(words, words in text)


def check_shootdowns(place, append, has_pcid):
    text = run(place, append, place / "initramfs.cpio.gz")
    harness.expect_equal(f"{append}: tests", re.findall(r"^(?:not )?ok .*", text, re.MULTILINE), [
        "ok mprotect_stops_writers", "ok unmapped_pages_are_nobodys", "ok discarded_pages_are_read_as_zero",
        "ok a_child_is_out_of_reach", "ok copies_are_seen_by_all_threads"])
    counters = harness.numbers(text)
    print(append, counters)
    harness.expect_true("shoot-downs were sent", counters["tlb_shootdowns_sent"] > 100)
    harness.expect_equal("PCIDs are used", counters["tlb_pcid_hits"] > 0, has_pcid)


def test():
    with tempfile.TemporaryDirectory(prefix="aubrac-") as name:
        place = pathlib.Path(name)
        (place / "root/tests").mkdir(parents=True)
        shutil.copy(harness.BUILD / "tests/root/tests/shootdowns", place / "root/tests")
        (place / "init").write_text(SCRIPT)
        harness.make_initramfs(place / "initramfs.cpio.gz", extra=place / "root", init=place / "init")
        check_self_tests(place)
        check_shootdowns(place, "", True)
        check_shootdowns(place, "noinvpcid", True)
        check_shootdowns(place, "nopcid nox2apic", False)


harness.run(test)
