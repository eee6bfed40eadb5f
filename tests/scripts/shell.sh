# The shell language: expansion, redirection, here-documents, functions, traps, jobs.
set -u
cd "$(mktemp -d)" || exit 1

echo "== expansion"
name=aubrac
echo "${name} ${#name} ${name#au} ${name%ac} ${name%%b*} ${name##*b} ${missing:-default} ${name:+set} ${name/b/B}"
echo "${name:2:3} $((7 * 6)) $((1 << 10)) $((17 % 5)) $((-7 / 2)) $((0x1f + 010))"
set -- one two "three four"
echo "$# $1 $3"; for word in "$@"; do echo "<$word>"; done
shift; echo "$# $*"
IFS=:; set -- $(echo a:b:c); IFS=' '; echo "$1 $2 $3 $#"
unset IFS

echo "== globs"
touch a1 a2 b1 .hidden 'with space'
echo a* ?1 [ab]2 *.none *space
for f in *; do echo "file: $f"; done
case abc in a*) echo starts;; *) echo no;; esac
case x in [a-m]) echo early;; [n-z]) echo late;; esac

echo "== redirection"
echo first > out; echo second >> out; cat < out
ls nosuch 2> err; echo "status $?"; sed 's/.*nosuch/nosuch/' err
{ echo to-stdout; echo to-stderr >&2; } > both 2>&1; cat both
exec 3> third; echo through-three >&3; exec 3>&-; cat third
cat <<EOF
here $name $((2 + 3)) $(echo command)
	tab stays
EOF
cat <<'EOF'
quoted $name $(echo no)
EOF
cat <<-EOF
	tabs go
		all of them
EOF
read -r line < out; echo "read: $line"
while read -r a b; do echo "$b-$a"; done <<EOF
1 one
2 two
3 three four
EOF

echo "== pipes"
echo "b a c" | tr ' ' '\n' | sort | tr '\n' ' '; echo
seq 1 1000 | grep 7 | wc -l
yes | head -n 3
false | true; echo "pipe status $?"
! true; echo "not $?"
(exit 3) | (cat; exit 4); echo "last $?"
seq 1 20000 | { read -r x; read -r y; echo "$x $y"; cat > /dev/null; }

echo "== functions and scope"
add() { local sum; sum=$(($1 + $2)); echo "$sum"; return $((sum > 10)); }
add 3 4; echo "rc $?"; add 30 4; echo "rc $?"
factorial() { [ "$1" -le 1 ] && { echo 1; return; }; echo $(($1 * $(factorial $(($1 - 1))))); }
factorial 10
depth() { [ "$1" -eq 0 ] && return 0; depth $(($1 - 1)); }
depth 200 && echo deep

echo "== subshells"
value=outer; (value=inner; echo $value); echo $value
(cd / && pwd); [ "$(pwd)" != / ] && echo elsewhere
echo "nested: $(echo $(echo $(echo three)))"
result=$(echo out; exit 5); echo "$result $?"

echo "== control"
i=0; while [ $i -lt 10 ]; do i=$((i + 1)); [ $i -eq 3 ] && continue; [ $i -eq 6 ] && break; echo $i; done
until [ $i -le 0 ]; do i=$((i - 2)); done; echo $i
if [ -f out ] && [ ! -d out ] && [ -s out ]; then echo regular; elif true; then echo other; fi
[ 1 -lt 2 ] && [ abc != abd ] && [ -z "" ] && [ -n x ] && echo tests
test -e /nosuch || echo absent
set -e; (false; echo never) || echo caught; set +e
getopts_test() { while getopts ab:c o; do echo "opt $o ${OPTARG:-}"; done; }
getopts_test -a -b value -c
printf '%05d|%-6s|%x|%c|%s\n' 42 left 255 z end
eval 'echo evaluated $((1 + 1))'
type add | head -n 1
command -v cd

echo "== traps and signals"
(trap 'echo on exit' EXIT; echo body)
(trap 'echo got term' TERM; kill -TERM $(sh -c 'echo $PPID'); echo after)
sh -c 'trap "echo usr1; exit 7" USR1; kill -USR1 $$; echo not reached'; echo "rc $?"
sh -c 'kill -KILL $$'; echo "rc $?"
sh -c 'kill -TERM $$'; echo "rc $?"
trap '' INT; sh -c 'kill -INT $$; echo ignored int'; trap - INT

echo "== background jobs"
for n in 1 2 3 4 5; do (sleep 0.0$n; exit $n) & done
wait; echo "all done $?"
(exit 9) & wait $!; echo "one $?"
sleep 30 & p=$!; kill $p; wait $p; echo "killed $?"
(echo in background > bg) & wait; cat bg
n=0; for j in 1 2 3 4 5 6 7 8; do echo $j > job.$j & done; wait; cat job.* | sort -n | tr '\n' ' '; echo
mkfifo pipe; (echo through fifo > pipe) & cat pipe; wait

echo "== exit status of the shell"
sh -c 'exit 42'; echo $?
sh -c 'nosuchcommand' 2>/dev/null; echo $?
./out 2>/dev/null; echo $?
cd / && rm -rf "$OLDPWD"; echo removed
