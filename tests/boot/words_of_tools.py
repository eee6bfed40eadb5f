#!/usr/bin/python3
# once: yes
# timeout: 200
"""What the tools say to words that they do not know, files that are not there, and values that make no sense: one line, with the
tool's name, and an exit status; no list of all options, no traceback. And the ways of writing what they do know."""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402
from harness import expect_equal, expect_true  # noqa: E402

REFUSED = [
    ("run --memroy 5", "unknown option --memroy"), ("run -c 0", "--cpus: 1 to 64"), ("run --cpus=65", "--cpus: 1 to 64"),
    ("run --memory=much", "--memory: a size"), ("run -m", "-m needs a value"), ("run --extra=/nosuch", "no such folder: /nosuch"),
    ("run --initramfs /nosuch", "no such file: /nosuch"),
    ("gdb/attach --nosuch", "unknown option --nosuch"),
    ("trace x --from /nosuch", "/nosuch: No such file"),
    ("screenshot /nosuch", "/nosuch: No such file"), ("screenshot --size huge -", "--size: WIDTHxHEIGHT"),
    ("matrix --only nosuchmachine", "no machine has these words"),
]


def call(words, **environment):
    tool, *rest = words.split()
    return subprocess.run([str(harness.SOURCE / "tools" / tool), *rest], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, **environment}, timeout=100, check=False)


def test():
    for words, reason in REFUSED:
        done = call(words)
        expect_true(f"{words}: {done.stderr!r} says {reason!r}", reason in done.stderr)
        expect_true(f"{words}: ends with an error", done.returncode != 0)
        expect_true(f"{words}: one line: {done.stderr!r}", len(done.stderr.splitlines()) == 1)
    done = call("soak 1", AUBRAC_BUILD="/nosuch")
    expect_true(f"soak without a build: {done.stderr!r}", "/nosuch is no build folder" in done.stderr and "Traceback" not in done.stderr)
    expect_true("attach --help", "[--debug] [TARGET]" in call("gdb/attach --help").stdout)
    expect_equal("matrix --only Bochs --list", call("matrix --only Bochs --list").stdout.split()[0], "Bochs")
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        build = f"--build {harness.BUILD}"
        done = call(f"trace {place}/x {build} --memory 128M echo -n said -- --cpus")
        expect_equal("trace: what the command said", done.stdout.split("said")[-1].split("\n")[0], " -- --cpus")
        expect_true(f"trace: a picture: {done.stderr!r}", pathlib.Path(place, "x.svg").exists())
        expect_equal("trace: the command's exit status", call(f"trace {place}/y {build} exit 7").returncode, 7)
        done = call(f"trace {place}/z {build} nosuchprogram")
        expect_true(f"trace: no such command: {done.stderr!r}", "no such command" in done.stderr and not pathlib.Path(place, "z.svg").exists())
        done = call(f"trace {place}/z {build} --events nosuch true")
        expect_true(f"trace: no such event: {done.stderr!r}", "names an event that there is not" in done.stderr)


harness.run(test)
