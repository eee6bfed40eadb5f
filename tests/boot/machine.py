"""What the boot tests share: an initramfs with the test programs and a shell as /init."""
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

PROMPT_INIT = """#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin PS1='# '
echo shell-is-ready
setsid cttyhack sh
poweroff -f
"""


class Shell(harness.Machine):
    """A machine whose init is a shell on the serial console; /tests has the programs of tests/user,
    or those that are named; `files` are further ones, by their paths below BUILD/tests/root.
    Nobody reads from the screen's terminals."""

    def __init__(self, init=PROMPT_INIT, programs=(), files=(), **settings):
        self.place = tempfile.TemporaryDirectory(prefix="aubrac-")
        place = pathlib.Path(self.place.name)
        (place / "init").write_text(init)
        shutil.copytree(harness.BUILD / "keymaps/root", place / "extra")
        (place / "extra/tests").mkdir()
        for program in programs:   # fewer are a smaller initramfs, made and read sooner
            shutil.copy(harness.BUILD / "tests/root/tests" / program, place / "extra/tests")
        if not programs:
            shutil.copytree(harness.BUILD / "tests/root/tests", place / "extra/tests", dirs_exist_ok=True)
        for name in files:
            (place / "extra" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(harness.BUILD / "tests/root" / name, place / "extra" / name)
        initrd = harness.make_initramfs(place / "shell.cpio.gz", extra=place / "extra", init=place / "init")
        super().__init__(initrd=initrd, **settings)

    def __enter__(self):
        self.expect("shell-is-ready")
        self.expect("# ")
        return self

    def __exit__(self, *reason):
        super().__exit__(*reason)
        self.place.cleanup()

    def values(self, line, limit=60):
        """Runs a command that prints lines of NAME VALUE; them as a dictionary."""
        status, text = self.command(line, limit)
        harness.expect_equal(f"exit status of {line}", status, 0)
        pairs = (row.split() for row in text.splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].lstrip("-").isdigit()}

    def free_kib(self):
        return self.values("grep MemFree: /proc/meminfo | tr -d 'kB'")["MemFree:"]

    def power_off(self):
        self.send("poweroff -f\n")
        self.must_end_with(harness.POWERED_OFF)
