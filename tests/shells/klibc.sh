PATH=/usr/lib/klibc/bin
echo "== shell"; i=0; while [ $i -lt 5 ]; do i=$((i + 1)); printf '%d ' $i; done; echo; f() { echo "f $*"; return 3; }; f a b; echo $?; case cow in c*) echo pattern ;; esac
x=$(echo nested $(echo substitution)); echo "$x"; for w in one two; do echo $w; done | while read v; do echo "read $v"; done; (exit 4); echo $?; (sleep 1; exit 6) & wait $!; echo $?
trap 'echo caught' USR1; kill -USR1 $$; cat <<END
here $((6 * 7))
END
echo "== tools"; mkdir d; echo text >d/file; cat d/file; ln -s file d/link; readlink d/link; mv d/file d/other; mkfifo d/pipe; (echo through >d/pipe) & cat d/pipe; wait; dd if=/dev/zero of=d/zeros bs=1024 count=3 2>/dev/null; true && echo true; false || echo false; exit 0
