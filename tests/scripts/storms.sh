# Many processes at once and in a row: forks, pipelines, background jobs, signals.
cd "$(mktemp -d)" || exit 1
i=0; while [ $i -lt 300 ]; do /bin/busybox true || echo failed; i=$((i + 1)); done; echo "$i programs"
i=0; while [ $i -lt 300 ]; do (:); i=$((i + 1)); done; echo "$i subshells"
i=0; total=0; while [ $i -lt 100 ]; do total=$((total + $(echo $i | cat | cat | cat))); i=$((i + 1)); done; echo "$total"
i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i + 1)); done; kill $(jobs -p); wait; echo "killed 100"
i=0; while [ $i -lt 60 ]; do echo "line $i" >> shared & i=$((i + 1)); done; wait; wc -l < shared; sort -k2n shared | md5sum
seq 1 3000 | xargs -n 30 echo | wc -l
seq 1 200 | xargs -n 1 -P 8 sh -c 'echo $0' | sort -n | tail -n 1
x=0; for a in 1 2 3 4 5 6 7 8 9 10; do for b in 1 2 3 4 5; do x=$((x + $(expr $a \* $b))); done; done; echo $x
(while :; do :; done) & spin=$!; i=0; while [ $i -lt 50 ]; do i=$((i + 1)); echo $i > /dev/null; done; kill $spin; wait $spin; echo "spinner $?"
seq 1 100000 | sort -R 2>/dev/null | sort -n | md5sum
dd if=/dev/zero bs=64k count=100 2>/dev/null | cat | cat | cat | wc -c
cat /dev/zero | head -c 1000000 | od -An -tx1 | head -n 1
yes | sed 5q | wc -l
cd / && rm -rf "$OLDPWD" && echo removed
