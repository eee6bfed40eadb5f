# What zsh adds: arrays from 1, globs with qualifiers, modifiers, multios, associative arrays, floating point.
print "== arrays"; list=(one two 'three four'); print ${#list} $list[3] ${list[-1]} ${(j:,:)list} ${(U)list[1]}; typeset -A map; map=(cow moo cat miaow); for k in ${(ko)map}; do print "$k $map[$k]"; done
print "== strings"; s="the cow jumps"; print ${(C)s} ${#s} ${s/cow/moon} ${${(s: :)s}[2]}; print -r -- ${(l:8::0:)$(( 42 ))}
print "== arithmetic"; print $(( 2 ** 10 )) $(( 7 / 2. )) $(( 0xff )); for i in {1..5}; do (( i % 2 )) && print -n "$i "; done; print
print "== globs"; mkdir d; touch d/a1 d/a2 d/b1; mkdir d/sub; print d/*(.N) ; print d/*(/); print d/(a|b)1
print "== processes"; paste -d, <(seq 1 3) <(seq 4 6); print hello > one > two; cat one two; coproc cat; print -p moo; read -p answer; print $answer; coproc :
print "== functions"; fact() { if (( $1 < 2 )) { print 1 } else { print $(( $1 * $(fact $(( $1 - 1 ))) )) } }; fact 10; always_test() { { print try; return 3 } always { print always } }; always_test; print $?
print "== traps and jobs"; (TRAPUSR1() { print usr1 }; kill -USR1 $sysparams[pid] 2>/dev/null || kill -USR1 $(exec sh -c 'echo $PPID'); sleep 0.1; exit 5); print $?; (sleep 0.1; exit 6) & wait $!; print $?
false | true; print $pipestatus; repeat 3 print -n x; print; exit 0
