#!/usr/bin/python3
# once: yes
"""The file system of POSIX message queues: mounted, listed, read, changed, removed; its limits in /proc."""
from machine import harness

SCRIPT = r"""
mkdir -p /dev/mqueue
say() { echo "$1 = $2"; }
grep -q mqueue /proc/filesystems && say known yes
/tests/workload queue /early
mount -t mqueue none /dev/mqueue && say mounted "$(grep mqueue /proc/mounts)"
say root "$(stat -c '%a %F %s' /dev/mqueue)"
/tests/workload queue /late
say names "$(echo $(ls /dev/mqueue))"
say queue "$(stat -c '%A %s %h' /dev/mqueue/late)"
say text "$(cat /dev/mqueue/late)"
chmod 600 /dev/mqueue/late && say changed "$(stat -c '%a' /dev/mqueue/late)"
mkdir /dev/mqueue/folder 2>&1 | grep -o 'Operation not permitted'
mv /dev/mqueue/late /dev/mqueue/later 2>&1 | grep -o 'Operation not permitted'
rm /dev/mqueue/early && say left "$(echo $(ls /dev/mqueue))"
echo 20 >/proc/sys/fs/mqueue/msg_max && say msg_max "$(cat /proc/sys/fs/mqueue/msg_max)"
echo 0 >/proc/sys/fs/mqueue/msg_max || say refused yes
echo x >/proc/sys/fs/mqueue/queues_max || say refused_too yes
umount /dev/mqueue && say unmounted "$(echo $(ls /dev/mqueue))"
mount -t mqueue none /dev/mqueue && say again "$(echo $(ls /dev/mqueue))"
"""

WANTED = """known = yes
mounted = none /dev/mqueue mqueue rw,relatime 0 0
root = 1777 directory 60
names = early late
queue = -rw-r----- 80 1
text = QSIZE:5          NOTIFY:0     SIGNO:0     NOTIFY_PID:0
changed = 600
Operation not permitted
Operation not permitted
left = late
msg_max = 20
refused = yes
refused_too = yes
unmounted =
again = late
"""


def test():
    serial = harness.run_script(SCRIPT)
    lines = [line.rstrip() for line in serial.split("\n") if " = " in line or line.startswith("Operation")]
    harness.expect_equal("what the shell saw", "\n".join(lines) + "\n", WANTED)


harness.run(test)
