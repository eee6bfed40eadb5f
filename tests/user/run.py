#!/usr/bin/python3
"""Runs the user programs and the scripts, and compares.
  run.py host LIST        on this machine's own Linux
  run.py boot LIST        on the kernel under test, in one boot; when a program ends or
                          hangs the machine, it has failed, and a new boot goes on behind it
  run.py compare NAME     the host's result of one program, which must be a success, and that with each number of CPUs
                          in AUBRAC_CPUS (with commas between) must be the same
  run.py clean -          all programs ran in one boot, which powered off at the end
LIST has lines of NAME TIMEOUT_S COMMAND WORDS…; the files are below BUILD/tests/root.
"""
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

RESULTS = harness.BUILD / "tests/results"
ROOT = harness.BUILD / "tests/root"
BEGIN = re.compile(r"^@@BEGIN (\S+)$")
END = re.compile(r"^@@END (\S+) (.*)$")


def kind_of(cpus):
    """The folder of the results with so many CPUs."""
    return f"kernel-{cpus}"


def this_kind():
    return kind_of(os.environ.get("AUBRAC_CPUS", "1"))


def parse(text):
    """{name: [output, how it ended]} of what the runner printed; an unfinished one ends as None."""
    results, name = {}, None
    for line in text.replace("\r", "").split("\n"):
        if match := BEGIN.match(line):
            name = match.group(1)
            results[name] = ["", None]
        elif (match := END.match(line)) and match.group(1) == name:
            results[name][1] = match.group(2)
            name = None
        elif name and line.startswith("|"):
            results[name][0] += line[1:] + "\n"
    return results


def write_results(kind, results):
    folder = RESULTS / kind
    folder.mkdir(parents=True, exist_ok=True)
    for name, (output, end) in results.items():
        (folder / name).write_text(output + f"@@ {end}\n", encoding="latin-1")


def run_host(list_file):
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        root = pathlib.Path(place) / "r"
        shutil.copytree(ROOT, root, symlinks=True)
        (root / "tmp").mkdir()
        (root / "bin").mkdir()
        shutil.copy("/bin/busybox", root / "bin/busybox")
        subprocess.run([root / "bin/busybox", "--install", "-s", root / "bin"], check=True)
        done = subprocess.run([root / "tests/runner", root, list_file], stdin=subprocess.DEVNULL, check=True,
                              stdout=subprocess.PIPE, encoding="latin-1", env={})
        write_results("host", parse(done.stdout.replace(str(root), "")))
    return 0


def boot_once(lines, initrd):
    shutil.copytree(ROOT, initrd.parent / "root", symlinks=True, dirs_exist_ok=True)
    (initrd.parent / "root/tests/list").write_text("\n".join(lines) + "\n")
    harness.make_initramfs(initrd, extra=initrd.parent / "root", init=ROOT / "tests/runner")
    limit = 60 + sum(int(line.split()[1]) for line in lines)
    with harness.Machine(initrd=initrd, memory="512M", limit=limit) as machine:
        reason = "ended"
        try:
            while True:
                machine.expect(r"@@(DONE|NOLIST)|@@BEGIN \S+", limit=180)
                if "BEGIN" not in machine.child.after:
                    break
            reason = f"ended with {machine.finish()} after the list"
        except harness.Failure as failure:
            reason = str(failure)
        return machine.serial(), reason


def run_boot(list_file):
    lines = [line for line in pathlib.Path(list_file).read_text().split("\n") if line and line[0] != "#"]
    shutil.rmtree(RESULTS / this_kind(), ignore_errors=True)
    boots, clean = 0, True
    while lines:
        with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
            serial, reason = boot_once(lines, pathlib.Path(place) / "initramfs.cpio.gz")
        boots += 1
        results = parse(serial)
        finished = {name: result for name, result in results.items() if result[1]}
        write_results(this_kind(), finished)
        lines = [line for line in lines if line.split()[0] not in finished]
        if not lines:
            expected = f"ended with {harness.POWERED_OFF} after the list"
            if reason != expected:
                clean = False
                print(f"the machine did not power off: {reason}\n{serial[-3000:]}")
            break
        clean = False
        culprit = lines[0].split()[0]
        print(f"boot {boots}: {culprit}: {reason}\n{serial[-5000:]}\n----")
        write_results(this_kind(), {culprit: [results.get(culprit, [""])[0], f"the machine: {reason}"]})
        lines = lines[1:]
        if boots == 12:
            print("too many boots")
            break
    (RESULTS / this_kind() / "clean").write_text(f"{clean} after {boots} boots\n")
    return 0


def run_clean(_):
    text = (RESULTS / this_kind() / "clean").read_text()
    print(text)
    return 0 if text.startswith("True") else 1


def run_compare(name):
    texts = {}
    kinds = [kind_of(count) for count in os.environ.get("AUBRAC_CPUS", "1").split(",")]
    for kind in ["host", *kinds]:
        path = RESULTS / kind / name
        if not path.exists():
            print(f"no result of {name}: {kind}")
            return 1
        texts[kind] = path.read_text(encoding="latin-1")
    good = True
    if not texts["host"].endswith("@@ exit 0\n"):
        print("it fails on the host's own Linux:\n" + texts["host"][-3000:])
        good = False
    for kind in kinds:
        if texts["host"] == texts[kind]:
            continue
        difference = difflib.unified_diff(texts["host"].splitlines(), texts[kind].splitlines(), "linux", kind, lineterm="", n=2)
        print("\n".join(list(difference)[:120]))
        good = False
    return 0 if good else 1


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit({"host": run_host, "boot": run_boot, "compare": run_compare, "clean": run_clean}[sys.argv[1]](sys.argv[2]))
