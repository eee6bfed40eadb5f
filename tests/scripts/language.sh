# The shell's own language.
echo "== quoting and expansion"
a='single $x "q"'; b="double $a"; c=un\ quoted
printf '%s\n' "$a" "$b" "$c" 'tab	end' "back\\slash"
unset nope; echo "${nope:-default} ${nope-unset} [${nope:+set}] ${a:+set}"
v=path/to/file.tar.gz
echo "${v#*/} ${v##*/} ${v%.*} ${v%%.*} ${#v}"
echo "${v/to/TO} ${v//t/T}"
set -- one "two words" three; echo $# "$1" "$2"; for w in "$@"; do echo "<$w>"; done; for w in $*; do echo "($w)"; done
shift; echo "$# $1"
IFS=:; p=a:b::c; for x in $p; do echo "[$x]"; done; unset IFS
echo "== arithmetic"
i=0; while [ $i -lt 20 ]; do i=$((i + 3)); [ $((i % 2)) -eq 0 ] && continue; [ $i -gt 15 ] && break; echo $i; done
echo $((1 + 2 * 3 - 4 / 2)) $(( (7 << 3) | 5 )) $((-7 / 2)) $((-7 % 3)) $((0x1f ^ 017)) $((5 > 3 && 2 < 1)) $((1 ? 10 : 20))
x=5; y=$((x++ + ++x)); echo $x $y; : $((x *= 3)); echo $x
echo $((9223372036854775807 + 1))
n=27; steps=0; while [ $n -ne 1 ]; do if [ $((n & 1)) -eq 1 ]; then n=$((3 * n + 1)); else n=$((n / 2)); fi; steps=$((steps + 1)); done; echo "collatz $steps"
echo "== functions"
fact() { if [ $1 -le 1 ]; then echo 1; else echo $(( $1 * $(fact $(($1 - 1))) )); fi; }
fact 10
scope() { local a=inner; echo "$a"; b2=global; return 3; }
scope; echo "rc $? a=$a b2=$b2"
fib() { [ $1 -lt 2 ] && { echo $1; return; }; echo $(( $(fib $(($1 - 1))) + $(fib $(($1 - 2))) )); }
fib 11
echo "== case"
for f in a.c b.h c.txt Makefile .hidden "sp ace" 42; do
    case $f in *.c | *.h) k=source ;; [A-Z]*) k=upper ;; .*) k=hidden ;; *\ *) k=space ;; [0-9]*) k=number ;; *) k=other ;; esac
    echo "$f: $k"
done
echo "== here-documents"
cat <<END
expanded: $((6 * 7)) $(echo sub) \$literal
END
cat <<'END'
not expanded: $((6 * 7)) $(echo sub)
END
cat <<-END
	tabs are stripped
		all of them
	END
tr a-z A-Z <<END | sed 's/^/> /'
through a pipe
END
while read -r one two rest; do echo "$two-$one [$rest]"; done <<END
a b c d
e f
  g   h  i
END
echo "== redirection"
echo out >f1; echo more >>f1; cat f1; { echo o; echo e >&2; } >f2 2>&1; cat f2
echo err 2>/dev/null >&2; ls /nonexistent 2>f3 || echo "failed $?"; wc -l <f3
exec 5>f4; echo five >&5; echo again >&5; exec 5>&-; cat f4
exec 6<f4; read l <&6; echo "read $l"; read l <&6; echo "read $l"; read l <&6 || echo eof; exec 6<&-
: >empty; [ -s empty ] || echo "empty is empty"; set -C; echo x 2>/dev/null >f1 || echo "noclobber"; set +C; echo y >|f1; cat f1
echo "== pipes and status"
true | false; echo $?; false | true; echo $?; ! true; echo $?
echo a b c | { read x y z; echo $z $y $x; }
printf '3\n1\n2\n' | sort | while read n; do echo "n$n"; done
(exit 9); echo $?; { (exit 4); } || echo "or $?"; false || true && echo chain
seq 1 1000 | while read n; do echo $n; done | awk '{s += $1} END {print s}'
yes | head -n 5 | wc -l
echo "== subshells"
v=1; (v=2; cd /; echo "in $v $(pwd)"); echo "out $v"
echo $(echo $(echo $(echo deep)))
r=`echo old \`echo style\``; echo $r
[ "$(printf 'x\n\n\n')" = x ] && echo "newlines trimmed"
echo "== traps and signals"
(trap 'echo exiting' EXIT; echo body)
(trap 'echo usr1' USR1; kill -USR1 $(sh -c 'echo $PPID'); echo after)
sh -c 'trap "echo term; exit 7" TERM; kill -TERM $$; echo no'; echo "rc $?"
sh -c 'kill -KILL $$'; echo "rc $?"
sh -c 'trap "" INT; kill -INT $$; echo survived'
echo "== background jobs"
(sleep 0.2; echo slow >s1) & p1=$!; (exit 5) & p2=$!
wait $p2; echo "p2 $?"; wait $p1; echo "p1 $?"; cat s1
for i in 1 2 3 4 5; do (sleep 0.0$i; exit $i) & pids="$pids $!"; done; for p in $pids; do wait $p; printf '%s ' $?; done; echo
sleep 30 & k=$!; kill $k; wait $k; echo "killed $?"
{ echo async; } & wait; echo "waited $?"
echo "== options"
sh -c 'set -e; echo one; false; echo never'; echo "rc $?"
sh -c 'set -e; if false; then :; fi; false || echo handled; echo end'; echo "rc $?"
sh -c 'set -u; echo ${undefined_thing}' 2>/dev/null; echo "rc $?"
set -f; echo *; set +f
while getopts ab:c o -a -b val -c rest; do echo "$o ${OPTARG-}"; done; echo $OPTIND
echo "== eval, dot, alias, read"
eval 'e1="eval $((2+2))"'; echo $e1
echo 'sourced=yes; echo "in dot $1"' >lib; . ./lib; echo $sourced
printf 'a\\b c\n' | { read x y; echo "$x|$y"; }; printf 'a\\b c\n' | { read -r x y; echo "$x|$y"; }
command -v echo; type cd | head -n 1
test -d . && [ -f lib -a ! -d lib ] && echo tests; [ abc \< abd ] && echo less; [ 010 -eq 10 ] && echo dec
echo "== errors"
nonexistent_command 2>/dev/null; echo $?
./lib 2>/dev/null; echo $?
mkdir d; ./d 2>/dev/null; echo $?
sh -c 'syntax error here (' 2>/dev/null; echo $?
exit 0
