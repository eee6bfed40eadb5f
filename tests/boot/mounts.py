#!/usr/bin/python3
# once: yes
"""What mount(2)'s flags and a tmpfs's options forbid, seen from busybox; the same on Linux (AUBRAC_KERNEL)."""
from machine import harness

SCRIPT = r"""
mkdir -p /t /mnt /etc
printf 'root:x:0:0::/:/bin/sh\nnobody:x:99:99::/:/bin/sh\n' >/etc/passwd
say() { echo "$1 = $2"; }
shown() { grep " /t " /proc/mounts | sed 's/,inode64//'; }
try() { name=$1; shift; "$@" >/tmp/out 2>&1; status=$?; say "$name" "$status $(sed 's/.*: //' /tmp/out | head -n 1)"; }
mkdir -p /tmp; echo 'echo ran as $(id -u)' >/tmp/script; chmod 755 /tmp/script

mount -t tmpfs -o noexec,nosuid,nodev,noatime,size=64k,nr_inodes=6,mode=0751,uid=3,gid=4 mine /t
say options "$(shown)"
say root "$(stat -c '%a %u %g' /t)"
say numbers "$(stat -f -c '%b %f %c %d' /t)"
cp /tmp/script /t/script
cp /bin/id /t/small 2>/dev/null
try exec /t/script
try test_x [ -x /t/script ]
try sh_reads_it sh /t/script
say mapped "$(/tests/workload run_mapped /t/script)"
rm -f /t/small
mknod /t/null c 1 3
try device sh -c 'echo hello >/t/null'
rm /t/null
try fills dd if=/dev/zero of=/t/big bs=4k count=20
say left "$(stat -f -c '%f' /t) $(stat -c %s /t/big)"
rm /t/big
say freed "$(stat -f -c '%f' /t)"
try inodes sh -c 'for i in 1 2 3 4 5 6 7 8; do : >/t/file$i || exit 1; done'
rm /t/file*
mount -o remount,nosuid,size=128k /t
say remounted "$(shown)"
try exec_again /t/script
try too_small mount -o remount,size=0k,nr_inodes=1 /t
try not_mounted mount -o remount,noexec /mnt
umount /t
/tests/workload watch_mounts
for wrong in size=x mode=9 uid=-1 huge=sometimes colour=blue nr_inodes=; do try "$wrong" mount -t tmpfs -o $wrong none /t; done
mount -t tmpfs none /t
say plain "$(shown)"
cp /tests/workload /t/run; chmod 4755 /t/run; echo secret >/t/secret; chmod 600 /t/secret
try setuid su nobody -s /bin/sh -c '/t/run run_mapped /t/secret'
mount -o remount,nosuid /t
try nosuid su nobody -s /bin/sh -c '/t/run run_mapped /t/secret'
umount /t
mount -t ramfs none /t && say ramfs "$(shown)"
umount /t
"""

WANTED = """options = mine /t tmpfs rw,nosuid,nodev,noexec,noatime,size=64k,nr_inodes=6,mode=751,uid=3,gid=4 0 0
root = 751 3 4
numbers = 16 16 6 5
exec = 126 Permission denied
test_x = 0
sh_reads_it = 0 ran as 0
mapped = mmap 1 mprotect 13
device = 1 Permission denied
fills = 1 No space left on device
left = 0 61440
freed = 15
inodes = 1 No space left on device
remounted = mine /t tmpfs rw,nosuid,nodev,noexec,noatime,size=128k,nr_inodes=6,mode=751,uid=3,gid=4 0 0
exec_again = 126 Permission denied
too_small = 255 Invalid argument
not_mounted = 1 can't find /mnt in /proc/mounts
at_first = 0x41 0x41
mounted = 0x4b 0x4b
told_once = 0x41 0x41
sleeper = 0xa
unmounted = 0xa, then 0
size=x = 255 Invalid argument
mode=9 = 255 Invalid argument
uid=-1 = 255 Invalid argument
huge=sometimes = 255 Invalid argument
colour=blue = 255 Invalid argument
nr_inodes= = 255 Invalid argument
plain = none /t tmpfs rw,relatime 0 0
setuid = 0 mmap 0 mprotect 0
nosuid = 1 Permission denied
ramfs = none /t ramfs rw,relatime 0 0
"""


def test():
    serial = harness.run_script(SCRIPT)
    lines = [line.rstrip() for line in serial.split("\n") if " = " in line]
    harness.expect_equal("what the shell saw", "\n".join(lines) + "\n", WANTED)


harness.run(test)
