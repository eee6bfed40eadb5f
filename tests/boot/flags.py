#!/usr/bin/python3
# cpus: 1 2 4
"""The flags that change the machine, each by its effect (tests/user/flags_of_machines.c); the same on Linux (AUBRAC_KERNEL)."""
from machine import Shell, harness

WANTED = """mount MS_NOSUID: 41 (without: 40)
mount MS_NOEXEC: EACCES (without: 40)
mount MS_REMOUNT: 0, EACCES (without: EINVAL, 40)
mount MS_NODEV: EACCES (without: opened)
mount MS_NOATIME: file stays, folder stays (without: file moves, folder moves)
mount MS_NODIRATIME: file moves, folder stays (without: file moves, folder moves)
mount MS_SILENT: no effect, mounts say nothing
mount MS_RELATIME: no effect, it is so anyway
timerfd_settime TFD_TIMER_CANCEL_ON_SET: poll 1, read ECANCELED, read EINTR, set 0 (without: poll 0, read EINTR, read EINTR, set 0)
ok effects
"""


def test():
    with Shell(programs=("flags_of_machines",), limit=60) as machine:
        status, text = machine.command("mkdir -p /tmp; cd /tmp; mount -t proc proc /proc 2>/dev/null; /tests/flags_of_machines effects", 40)
        lines = [line.rstrip() for line in text.splitlines() if ": " in line or line.startswith("ok")]
        harness.expect_equal("what each flag does", "\n".join(lines) + "\n", WANTED)
        harness.expect_equal("exit status", status, 0)
        machine.power_off()


harness.run(test)
