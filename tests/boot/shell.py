#!/usr/bin/python3
# cpus: 1 2 4
# timeout: 120
"""The default ISO from power-on to the prompt, and a terminal as one expects it: echo,
erase, kill, end of file, ^C; the programs that read /proc."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402
from harness import Failure, Machine, expect_equal, expect_true  # noqa: E402,F401


def test():
    with Machine(iso=harness.BUILD / "aubrac.iso", limit=100) as machine:
        machine.expect(r"# ")
        expect_equal("echo", machine.command("echo hello"), (0, "hello\n"))
        expect_equal("status", machine.command("false")[0], 1)
        machine.send("echo wrongg\x7f\x7f\x7f\x7f\x7f\x7fright\n")
        machine.expect(r"\nright\r")
        machine.expect("# ")
        machine.send("nonsense\x15echo killed line\n")
        machine.expect(r"\nkilled line\r")
        machine.expect("# ")
        machine.send("echo rea''dy; cat >/tmp/f\n")   # what is typed ahead would meet the shell's own line editor
        machine.expect("ready")
        machine.send("first\nsecond\n\x04")
        machine.expect("second")
        machine.expect("# ")
        expect_equal("what was typed", machine.command("cat /tmp/f"), (0, "first\nsecond\n"))
        # The program in the foreground says that it is: ^C before that would be the shell's own.
        machine.send("sh -c 'echo slee\"\"ping; exec sleep 100'\n")
        machine.expect("sleeping")
        machine.send("\x03")
        machine.expect("# ")
        expect_equal("after ^C", machine.command("echo alive", limit=20), (0, "alive\n"))
        for command in ("ps", "top -b -n1", "free", "uptime", "mount", "pidof sh", "dmesg", "cat /proc/vmstat", "cat /proc/sched",
                        "cat /proc/1/status", "df", "date", "id", "ls -l /dev /proc /bin"):
            status, text = machine.command(command)
            expect_equal(command, status, 0)
            expect_true(f"{command} says something", len(text) > 3)
        expect_true("ps shows init", " 1 " in machine.command("ps")[1])
        machine.send("poweroff -f\n")
        machine.must_end_with(harness.POWERED_OFF)


harness.run(test)
