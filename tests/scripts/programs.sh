# Longer programs in shell: a sieve, sorting, a calculator, a job queue, text reports.
echo "== sieve"
sieve() {
    local limit=$1 i=2 j
    while [ $i -le $limit ]; do
        eval "[ -z \"\$c$i\" ]" && { printf '%s ' $i; j=$((i * i)); while [ $j -le $limit ]; do eval "c$j=1"; j=$((j + i)); done; }
        i=$((i + 1))
    done
    echo
}
sieve 200
echo "== bubble sort"
set -- 9 4 7 1 8 2 6 3 5 0
changed=1
while [ $changed = 1 ]; do
    changed=0; out=; previous=$1; shift
    for x in "$@"; do if [ $previous -gt $x ]; then out="$out $x"; changed=1; else out="$out $previous"; previous=$x; fi; done
    set -- $out $previous
done
echo "$@"
echo "== calculator"
evaluate() { # reverse polish
    local stack= a b t
    for t; do
        case $t in
        [-+x/%]) b=${stack##* }; stack=${stack% *}; a=${stack##* }; stack=${stack% *}
            case $t in +) a=$((a + b)) ;; -) a=$((a - b)) ;; x) a=$((a * b)) ;; /) a=$((a / b)) ;; %) a=$((a % b)) ;; esac; stack="$stack $a" ;;
        *) stack="$stack $t" ;;
        esac
    done
    echo $stack
}
evaluate 3 4 + 2 x 7 /; evaluate 100 7 % 5 x; evaluate 5 1 2 + 4 x + 3 -
echo "== job queue"
mkdir queue; for n in $(seq 1 12); do echo $((n * n)) >queue/job$n; done
worker() { for j in queue/job*; do mv "$j" "work.$1" 2>/dev/null || continue; v=$(cat work.$1); echo $((v + 1)) >>results; rm work.$1; done; }
for w in 1 2 3; do worker $w & done; wait; sort -n results | tr '\n' ' '; echo; ls queue | wc -l
echo "== lock by mkdir"
counter() { local i=0; while [ $i -lt 15 ]; do while ! mkdir lock 2>/dev/null; do :; done; n=$(cat count); echo $((n + 1)) >count; rmdir lock; i=$((i + 1)); done; }
echo 0 >count; counter & counter & counter & wait; cat count
echo "== named pipe"
mkfifo channel; (for i in 1 2 3 4 5; do echo "message $i"; done >channel) & while read -r m; do echo "got $m"; done <channel; wait
echo "== pipeline of ten"
seq 1 500 | sed 's/$/ x/' | awk '{print $1 * 3}' | grep -v 5 | sort -rn | cat | tr 0-9 9876543210 | head -n 40 | tail -n 5 | paste -s -d, - | md5sum
echo "== word count"
cat >poem <<'END'
the cow jumped over the moon and the little dog laughed
to see such fun and the dish ran away with the spoon
the cow came back the next day and the moon was gone
END
tr -s ' ' '\n' <poem | sort | uniq -c | sort -k1,1nr -k2 | head -n 6
awk '{for (i = 1; i <= NF; i++) {w[length($i)]++}} END {for (l = 1; l < 10; l++) if (l in w) printf "%d:%s\n", l, w[l]}' poem
echo "== life"
row0=00000 row1=00100 row2=00100 row3=00100 row4=00000
step() {
    awk 'BEGIN {n = split(ARGV[1], r, ","); for (y = 1; y <= n; y++) {line = ""; for (x = 1; x <= 5; x++) {c = 0
        for (dy = -1; dy <= 1; dy++) for (dx = -1; dx <= 1; dx++) if ((dx || dy) && substr(r[y + dy], x + dx, 1) == "1" && x + dx > 0) c++
        me = substr(r[y], x, 1); line = line ((c == 3 || (c == 2 && me == "1")) ? "1" : "0")}
        printf "%s%s", line, y < n ? "," : "\n"}}' "$1"
}
g=$row0,$row1,$row2,$row3,$row4; for i in 1 2 3; do g=$(step $g); echo $g | tr , '\n'; echo; done
echo "== deep recursion and many processes"
down() { [ $1 -eq 0 ] && echo bottom || down $(($1 - 1)); }; down 200
sub() { [ $1 -eq 0 ] && echo deep || (sub $(($1 - 1))); }; sub 25
i=0; while [ $i -lt 60 ]; do /bin/busybox true || echo bad; i=$((i + 1)); done; echo "$i programs"
i=0; while [ $i -lt 40 ]; do x=$(echo $i); [ "$x" = $i ] || echo bad; i=$((i + 1)); done; echo "$i substitutions"
i=0; while [ $i -lt 30 ]; do (exit $i) & i=$((i + 1)); done; wait; echo all
echo "== large here-document and arguments"
text=$(seq 1 3000); echo "$text" | wc; set -- $text; echo $# ${3000}; echo "$@" | md5sum; cat <<END | md5sum
$text
$text
END
echo "== background with traps"
# Whether the shell says "Terminated" depends on who is faster, it or the child's end.
sh 2>/dev/null -c 'trap "echo caught; kill \$p; wait \$p; echo status \$?; exit 0" USR1; sleep 20 & p=$!; (sleep 0.1; kill -USR1 $$) & wait $p; echo never'
sh -c 'n=0; trap "n=\$((n + 1))" USR1; for i in 1 2 3; do kill -USR1 $$; done; echo $n'
echo "== ls and globs"
mkdir g; cd g; touch a1 a2 b1 b2 .dot 'sp ace' '[x]'; echo *; echo a*; echo ?1; echo [ab]2; echo [!a]*; echo .d*; echo '*'; echo "a"*; echo nomatch*; for f in *; do printf '<%s>' "$f"; done; echo; ls -1; ls -a | wc -l; cd ..
echo done
