# What mksh adds: typeset, arrays, co-processes, string functions, here-strings.
print "== arrays"; set -A list one two 'three four'; print ${#list[*]} "${list[2]}"; typeset -i total=0; for n in 1 20 300; do (( total += n )); done; print $total
print "== strings"; typeset -u up=hello; typeset -Z5 padded=42; print $up $padded; s=hello; print ${s:1:3} ${s/l/L} ${#s}
print "== arithmetic"; (( x = 3 * 4 + 7 % 4, x <<= 1 )); print $x $((16#ff)); i=0; while (( i++ < 5 )); do (( i == 3 )) && continue; print -n "$i "; done; print
print "== coprocess"; cat |& print -p moo; read -p answer; print $answer; exec 4>&p; exec 4>&-; wait
print "== functions"; function fact { (( $1 < 2 )) && print 1 || print $(( $1 * $(fact $(( $1 - 1 ))) )); }; fact 10
print "== traps and jobs"; (trap 'print leaving' EXIT; trap 'print usr1' USR1; kill -USR1 $BASHPID; exit 3); print $?; (sleep 0.1; exit 6) & wait $!; print $?
print "== here"; cat <<-END
	indented $((1 + 1))
	END
tr a-z A-Z <<<"a string"; case file.tar.gz in *.@(tar|cpio).gz) print archive ;; esac; [[ cow == c* ]] && print pattern; exit 0
