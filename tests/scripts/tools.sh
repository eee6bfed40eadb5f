# The applets on text and files.
echo "== make data"
i=0; while [ $i -lt 300 ]; do echo "$i $((i * 7919 % 1000)) name$((i % 17)) $((i * i))"; i=$((i + 1)); done >data
wc data; md5sum data; sha1sum data | cut -c1-20; cksum data
echo "== sort, uniq, cut, tr, join by awk"
cut -d' ' -f3 data | sort | uniq -c | sort -rn | head -n 5
sort -k2,2n -k1,1nr data | head -n 5; sort -u -k3,3 data | wc -l; sort -t' ' -k3.5n data | tail -n 3
tr 0-9 a-j <data | tail -n 2; tr -d '0-8\n' <data | wc -c; tr -s ' ' '\n' <data | grep -c name
head -c 50 data | od -c | head -n 3; head -c 32 data | od -An -tx1; head -n 3 data | hexdump -C
echo "== sed"
sed -n '10,12p;/name16/{s/name/NAME/;p}' data | head -n 8
sed -e '1d' -e '$d' -e 's/\([0-9]*\) \([0-9]*\)/\2 \1/' data | sed -n '5p'; sed 's/[aeiou]/<&>/g;2q' data
printf 'one\ntwo\nthree\n' | sed '2i\inserted
2a\appended'; printf 'x\ny\nz\n' | sed -n 'H;${x;s/\n/,/g;p}'; printf 'a b\n' | sed 'y/ab/xy/'
echo "== awk"
awk '{s[$3] += $2; c[$3]++} END {for (k in s) printf "%s %d %.3f\n", k, s[k], s[k] / c[k]}' data | sort | head -n 5
awk 'BEGIN {for (i = 1; i <= 5; i++) {x = x " " i ^ 2}; print x; print length(x), substr("hello", 2, 3), index("abc", "c"), toupper("up"); print sprintf("%05.2f|%-6s|%x", 3.14159, "ab", 255)}'
awk -F'[ :]' 'NR % 100 == 0 {print NR, NF, $1}' data; awk '/name5 /,/name7 /' data | head -n 4
echo "a,b;c" | awk '{n = split($0, p, /[,;]/); for (i = n; i > 0; i--) printf "%s ", p[i]; print ""; gsub(/[a-c]/, "[&]"); print}'
awk 'BEGIN {while (("seq 3" | getline l) > 0) t = t l; print t; print "sorted" | "cat"; close("cat"); exit 3}'; echo "rc $?"
echo "== grep"
grep -c 'name1$\|name1 ' data; grep -n ' 999 ' data; grep -v name data | wc -l; grep -o 'name[0-9]*' data | sort -u | wc -l
grep -E '^(1|2)[0-9] ' data | head -n 3; grep -i NAME3 data | head -n 1; grep -q zzz data || echo none; echo abc | grep -F -x abc; egrep -w 7 data | head -n 2
echo "== head, tail, split, paste, fold, nl, rev, tac, comm, diff"
tail -n +298 data; head -n -298 data; tail -c 20 data; seq 10 | tac | tr '\n' ' '; echo; echo hello | rev
seq 1 25 >n; split -l 10 n part_; wc -l part_*; cat part_* | cmp - n && echo same
seq 3 >a; seq 2 4 >b; comm a b; paste a b; diff a b; diff -u a b | tail -n +3; nl a; seq 30 | fold -w 7 | head -n 3; printf 'a\tb\n' | expand
seq 5 | shuf | sort -n | tr '\n' ,; echo; printf 'long line of words to be wrapped\n' | fold -s -w 12
echo "== find and xargs"
mkdir -p t/a/b/c t/d; for f in t/x t/a/y t/a/b/z t/d/w; do echo $f >$f; done; ln -s x t/link
find t | sort; find t -type f -name '[xy]' | sort; find t -type l; find t -mindepth 2 -maxdepth 2 | sort; find t -type d -empty
find t -type f | sort | xargs cat; find t -type f -print0 | sort -z | xargs -0 -n 2 echo; seq 20 | xargs -n 6; echo a b | xargs -I{} echo "<{}>"
find t -type f -exec grep -l x {} \; | sort; find t -name z -exec rm {} +; find t -type f | wc -l; find t -newer nothing 2>/dev/null; echo $?
echo "== copies, links, permissions"
cp -r t u; diff -r t u && echo identical; mv u/x u/moved; ls u; cp -a t/link u/l2; readlink u/l2; ln t/x hard; stat -c '%h %s %a %F' hard
chmod 640 hard; ls -l hard | cut -c1-10; chmod u+x,g-r hard; stat -c %a t/x; umask 077; touch private; stat -c %a private; umask 022
rm -r u; ls u 2>/dev/null || echo gone; rmdir t/a 2>/dev/null || echo "not empty"; touch -d '2001-02-03 04:05:06' old; date -r old -u +%Y-%m-%dT%H:%M:%S; stat -c %Y old
du -s nothing 2>/dev/null || echo "no such"; basename /a/b/c.txt .txt; dirname /a/b/c.txt; realpath t/a/../x | sed 's,.*/tools/,,;s,.*/script_tools/,,'; mktemp -d tmp.XXXXXX | sed 's/\..*//'
echo "== tar, gzip, bzip2, cpio"
tar cf t.tar t; tar tf t.tar | sort; tar czf t.tgz t data; mkdir out; tar xzf t.tgz -C out; diff -r t out/t && cmp data out/data && echo "round trip"
gzip -c data | gunzip | cmp - data && echo gzip; gzip -9 <data | wc -c | awk '{print ($1 < 9000)}'; bzip2 -c data | bunzip2 | md5sum; find t | sort | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null
tar cf - t | (mkdir -p out2; cd out2; tar xf -); diff -r t out2/t && echo piped; printf 'data' | base64; printf 'ZGF0YQ==' | base64 -d; echo; xxd -p a 2>/dev/null
echo "== large files"
dd if=/dev/zero bs=64k count=48 2>/dev/null | tr '\0' 'Q' >big; wc -c <big; md5sum big; sha256sum big; dd if=big of=piece bs=1000 skip=7 count=3 2>/dev/null; wc -c piece
awk 'BEGIN {for (i = 0; i < 60000; i++) print i * 2654435761 % 4294967296, i}' >numbers; md5sum numbers; sort -n numbers | md5sum; sort -k2,2nr numbers | head -n 2; gzip -c numbers >numbers.gz; zcat numbers.gz | md5sum
dd if=/dev/zero of=sparse bs=1 count=1 seek=1000000 2>/dev/null; stat -c %s sparse; tail -c 3 sparse | od -An -c; truncate -s 10 sparse 2>/dev/null; cat big big | md5sum; split -b 1000000 big bp; ls bp* | wc -l; cat bp* | cmp - big && echo joined
echo "== numbers and dates"
expr 7 \* 6; expr abc : 'a\(.*\)'; expr length hello; expr 5 \> 3; seq 2 3 11 | tr '\n' ' '; seq -s, 5 -1 1; printf '%5d|%-5s|%05x|%o|%c|%e\n' 42 ab 255 8 zed 12345.678; printf '%s-%s\n' 1 2 3 4; printf '%b' 'a\tb\n'
date -u -d @86400 +%F; date -u -d @1234567890 '+%a %b %d %T %Y'; factor 360 97 2>/dev/null; echo '2^64; 10/3' | bc 2>/dev/null; echo '3 4 + p' | dc 2>/dev/null; cal 2 2000 | head -n 4
echo "== the system"
id -u | grep -c '^[0-9]*$'; test -e /dev/null && test -c /dev/zero && echo devices; head -c 5 /dev/zero | od -An -tu1; head -c 100 /dev/urandom | wc -c; env | grep -c PATH=; tty; true >/dev/full || echo "rc $?"; echo x >/dev/full 2>/dev/null || echo full
cat /proc/self/comm; test -r /proc/meminfo && awk '/^MemTotal:|^MemFree:/ {print $1, $3}' /proc/meminfo; [ "$(cat /proc/self/stat | cut -d' ' -f2)" = '(cat)' ] && echo stat; tr '\0' ' ' </proc/self/cmdline; echo; ls -d /proc/1 /proc/self/fd
timeout 1 sleep 10; echo "timeout $?"; time -p true 2>&1 | cut -d' ' -f1; nice echo nice; nohup echo hup 2>/dev/null; which sh >/dev/null && echo which; usleep 1000; sync && echo synced
