# renice (Debian's static busybox has neither nice nor chrt): what a shell's user sees of setpriority(2).
# Behind the name in /proc/PID/stat: field 16 is the priority, 17 the nice value.
shown() { sed 's/.*) //' /proc/$1/stat | cut -d' ' -f16-17; }
shown $$
sleep 50 & first=$!; sleep 50 & second=$!
renice -n 4 -p $first; shown $first; shown $second
renice -n 3 -p $first $second; shown $first; shown $second
renice 11 $second; shown $second
renice -n 100 -p $second; shown $second
renice -n 1 -p 999999; echo "renice $?"
renice -n x -p $first; echo "renice $?"
kill $first $second; wait
renice -n 2 -p $$; shown $$; sh -c 'sed "s/.*) //" /proc/$$/stat | cut -d" " -f16-17'
sh -c 'renice -n 3 -g 0; sed "s/.*) //" /proc/$$/stat | cut -d" " -f17'; shown $$
