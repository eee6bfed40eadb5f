# What bash adds to sh: arrays, [[ ]], process substitution, coprocesses, traps, printf -v, mapfile.
echo "== arrays"
declare -a list=(one two "three four"); list+=(five); echo "${#list[@]} ${list[2]} ${list[@]:1:2}"; declare -A map=([cow]=moo [cat]=miaow); for k in cow cat; do echo "$k ${map[$k]}"; done
unset 'list[1]'; echo "${!list[@]}"
echo "== tests and patterns"
[[ aubrac == au* && ! aubrac < abc ]] && echo pattern; words="([a-z]+) ([0-9]+)"; [[ "cow 42" =~ $words ]] && echo "${BASH_REMATCH[1]}-${BASH_REMATCH[2]}"
shopt -s extglob
case file.tar.gz in *.@(tar|cpio).gz) echo archive ;; esac
echo "== strings"
s=hello; echo "${s^^} ${s:1:3} ${s/l/L} ${s//l/L} ${#s} ${s%%l*}"; printf -v padded '%05d|%-6s|%x' 42 ab 255; echo "$padded"
echo "== arithmetic"
((x = 3 ** 4 + 7 % 4, x <<= 1)); echo $x $((16#ff)) $((2#1011)); for ((i = 0; i < 5; i++)); do ((i == 3)) && continue; printf '%d ' $i; done; echo
echo "== substitution of processes"
paste -d, <(seq 1 3) <(seq 4 6); while read -r line; do last=$line; done < <(printf 'a\nb\nc\n'); echo $last; seq 5 | tee >(wc -l >counted) >/dev/null; sleep 0.3; cat counted
echo "== coprocess"
coproc DOUBLE { while read -r n; do echo $((n * 2)); done; }; for n in 4 5; do echo $n >&"${DOUBLE[1]}"; read -r answer <&"${DOUBLE[0]}"; echo $answer; done; eval "exec ${DOUBLE[1]}>&-"; wait $DOUBLE_PID; echo "ended $?"
echo "== traps"
(trap 'echo leaving' EXIT; trap 'echo usr1' USR1; kill -USR1 $BASHPID; exit 3); echo $?; f() { trap 'echo returned' RETURN; return 4; }; f; echo $?
echo "== jobs"
for i in 3 1 2; do (sleep 0.$i; exit $i) & pids+=($!); done; for p in "${pids[@]}"; do wait $p; echo "ended $?"; done; set -o pipefail; false | true; echo "pipe $? ${PIPESTATUS[*]}"
echo "== here"
cat <<-END
	indented $((1 + 1))
	END
tr a-z A-Z <<<"a string"; mapfile -t lines < <(seq 3); echo "${lines[*]}"
echo "== functions"
fact() { (($1 < 2)) && echo 1 || echo $(($1 * $(fact $(($1 - 1))))); }; fact 12; local_test() { local x=inner; echo $x; }; x=outer; local_test; echo $x
echo "== files"
exec 7>out.txt; echo to seven >&7; exec 7>&-; cat out.txt; { echo both; echo errors >&2; } &>all.txt; sort all.txt; [[ -s all.txt && ! -e missing ]] && echo there; ulimit -n 64; ulimit -n
declare -i total=0; while IFS=: read -r name value; do total+=value; done <<<$'a:1\nb:20\nc:300'; echo $total; echo {a..e}{1,2}; type -t fact; set -- a b c; echo "$# ${*: -1}"; exit 0
