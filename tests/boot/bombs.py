#!/usr/bin/python3
# cpus: 1
# debug cpus: 4
# timeout: 420
"""Fork bombs in 128 MiB, plain and touching memory: the kernel lives, and killing the bomb
from the shell (whose builtins need no process) gives everything back."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402
from harness import Failure, Machine, expect_equal, expect_true  # noqa: E402,F401

# Little work for the shell between the bomb and the kills: it is one of a thousand that want the CPU.
SCRIPT = """
/tests/workload nothing
(exit 0)
free_kib before
alive() {{ # how many are no zombies; all of these lines are the shell's own
    count=0
    for process in /proc/[0-9]*; do
        read -r pid name state rest <$process/stat && [ $state != Z ] && count=$((count + 1))
    done 2>/dev/null
    [ $count -gt 1 ]
}}
/tests/workload {bomb} &
read -t 4 nothing </dev/console
kill -9 -1; kill -9 -1; kill -9 -1
wait
turns=0
while alive && [ $turns -lt 60 ]; do
    kill -9 -1
    wait
    read -t 1 nothing </dev/console
    turns=$((turns + 1))
done
turns=0
while set -- /proc/[0-9]*; [ $# -gt 1 ] && [ $turns -lt 1000 ]; do # an orphan is the shell's own child, waited for with the next one
    (exit 0)
    turns=$((turns + 1))
done
read -t 1 nothing </dev/console
echo processes_alive $count
echo processes_left $#
free_kib after
grep processes /proc/stat
echo the shell goes on $(echo and forks)
"""


def test():
    for bomb in ("bomb", "mapbomb"):
        serial = harness.run_script(SCRIPT.format(bomb=bomb), limit=200, memory="128M")
        got = harness.numbers(serial)
        print(bomb, got)
        expect_true("the shell forks again", "the shell goes on and forks" in serial)
        expect_true("the bomb forked", got["processes"] > 100)   # in four seconds of a slow, shared host
        expect_equal("processes that outlived kill -9", got["processes_alive"], 1)
        expect_equal("processes left", got["processes_left"], 1)
        expect_true("memory came back", got["after"] >= got["before"] - 256)


harness.run(test)
