# The applets on files: find, xargs, sort, awk, sed, tar, gzip, md5sum, dd and friends.
set -u
cd "$(mktemp -d)" || exit 1
umask 022

echo "== a tree"
mkdir -p tree/a/b/c tree/d; i=0
for d in tree tree/a tree/a/b tree/a/b/c tree/d; do
    for n in 1 2 3; do i=$((i + 1)); seq 1 $((i * 10)) > $d/file$n.txt; done
done
ln -s ../a/file1.txt tree/d/link; ln tree/a/file2.txt tree/d/hard; ln -s nowhere tree/dangling
chmod 640 tree/a/file3.txt; chmod 755 tree/d/file1.txt
find tree | sort
find tree -type f -name '*1*' | sort | xargs wc -l
find tree -type l | sort | while read -r l; do echo "$l -> $(readlink $l)"; done
find tree -type f -size +1k 2>/dev/null | sort | head
find tree -name '*.txt' -print0 | xargs -0 -n 4 echo | wc -l
find tree -type f -exec grep -l '^110$' {} \; | sort
stat -c '%n %a %h %F %s' tree/a/file3.txt tree/a/file2.txt tree/d/link; stat -c '%n %a %h %F' tree
ls -1 tree; ls -a tree/d
du -s tree/d >/dev/null && echo du works

echo "== text"
seq 1 100 | sort -rn | head -n 3
printf 'pear 3\napple 10\nfig 2\napple 1\n' > fruit
sort fruit; sort -k2n fruit; sort -u -k1,1 fruit; cut -d' ' -f2 fruit | paste -s -d+
uniq -c <<EOF
a
a
b
a
EOF
awk '{ sum[$1] += $2; n++ } END { for (k in sum) print k, sum[k] | "sort"; close("sort"); print n }' fruit
awk 'BEGIN { printf "%.3f %d %s\n", 3.14159, 42.9, substr("substring", 4, 3); x = "a-b-c"; gsub(/-/, "+", x); print x, length(x), toupper(x) }'
awk -F: '{ print $1 }' <<EOF
root:x:0
daemon:x:1
EOF
awk 'BEGIN { for (i = 0; i < 5; i++) s += i * i; print s, sqrt(2), exp(1), int(-3.7), 7 % 3, 2 ^ 10; print index("hello", "l"), match("foobar", /o+/), RSTART, RLENGTH }'
seq 1 50 | awk 'NR % 7 == 0' | tr '\n' ' '; echo
sed -n '2,3p' fruit; sed 's/\(.*\) \(.*\)/\2 \1/' fruit; sed -e '/fig/d' -e 's/p/P/g' fruit; sed '$!d' fruit
seq 1 5 | sed 'N;s/\n/-/'; seq 1 3 | sed -n '1!G;h;$p'
cp fruit edit; sed -i 's/pear/plum/' edit; cat edit; diff fruit edit; echo "diff $?"
grep -c a fruit; grep -v apple fruit; grep -n fig fruit; grep -E '^(pear|fig)' fruit; echo -e 'x.y\nxzy' | grep -F x.y
tr a-z A-Z < fruit | tr -d ' '; echo hello | tr -s l; rev < fruit
head -c 5 fruit; echo; tail -n 2 fruit; tail -c 4 fruit; nl fruit; fold -w 3 <<EOF
abcdefgh
EOF
od -An -tx1 fruit | head -n 2; od -c fruit | head -n 1; hexdump -C fruit | head -n 1; xxd fruit | head -n 1
expr 3 + 4 \* 2; expr length hello; expr substr hello 2 3; expr abc : 'a\(.\)'
basename /a/b/c.txt .txt; dirname /a/b/c.txt; seq -w 8 10
tac fruit; cmp fruit edit
printf 'a\tb\n' | expand -t 4; cat -A fruit | head -n 1; wc fruit; wc -c < fruit; yes x | head -n 1000 | wc

echo "== large files"
dd if=/dev/zero bs=1024 count=5120 2>/dev/null | md5sum
seq 1 200000 > big; md5sum big; sha1sum big; sha256sum big; wc big
head -c 3000000 /dev/zero | tr '\0' 'A' > as; ls -l as | awk '{ print $5 }'; md5sum as
dd if=big of=piece bs=4096 skip=3 count=7 2>/dev/null; md5sum piece
dd if=/dev/zero of=sparse bs=1 count=1 seek=10000000 2>/dev/null; wc -c < sparse; md5sum sparse
head -c 600000 big > half; cat half big | tail -c +600001 | cmp - big && echo joined
sort -n -r big | head -n 2; sort big | md5sum; tail -n 1 big; sed -n '100000p' big; grep -c 99 big
awk '{ s += $1 } END { print s }' big

echo "== archives"
tar cf tree.tar tree; tar tf tree.tar | sort | md5sum
mkdir out; tar xf tree.tar -C out; (cd out && find . -type f | sort | xargs md5sum) | md5sum; (find tree -type f | sort | sed 's|^|./|' | xargs md5sum) | md5sum
gzip -c big > big.gz; gunzip -c big.gz | cmp - big && echo gzip
tar czf tree.tgz tree; mkdir out2; tar xzf tree.tgz -C out2; diff -r tree out2/tree && echo same
[ out2/tree/a/file2.txt -ef out2/tree/d/hard ] && echo hard link kept; readlink out2/tree/d/link
bzip2 -c fruit | bunzip2 -c; (cd tree && find . | sort | cpio -o -H newc 2>/dev/null) | cpio -t 2>/dev/null | sort | md5sum
cp -a tree copy; diff -r tree copy && echo copied; mv copy moved; ls moved | wc -l; rm -r moved; ls -d moved 2>/dev/null || echo gone

echo "== names and modes"
touch -d '2001-02-03 04:05:06' dated; TZ=UTC stat -c '%y' dated | cut -c1-19; [ dated -ot fruit ] && echo older
mkdir d1; rmdir d1; mkdir -m 700 d2; stat -c %a d2; ln -s loop loop; cat loop 2>&1 | sed 's/.*: //'
mkdir full; touch full/x; rmdir full 2>/dev/null; echo "rmdir $?"; mv fruit 'a name with  blanks'; cat 'a name with  blanks' | wc -l
chmod u+s,g-r dated; stat -c %A dated; chmod 000 dated; stat -c %a dated; echo text > new; chmod a=r,u+w new; stat -c %a new
id -u | grep -q . && echo id; mktemp -u /tmp/x.XXXXXX | wc -c; readlink -f tree/../tree/a/./b | sed 's|.*/tree|tree|'; realpath tree/d/link | sed 's|.*/tree|tree|'
cd / && rm -rf "$OLDPWD" && echo removed
