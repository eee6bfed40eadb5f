# What of busybox lives on timers and signals.
timeout 1 sleep 20 2>/dev/null; echo "timeout $?"
timeout 20 true; echo "in time $?"
timeout 20 sh -c 'exit 7'; echo "its own $?"
timeout -s KILL 1 sleep 20; echo "killed $?"
timeout 2 watch -n 9 -t echo shown >/dev/null; echo "watch $?"
sleep 0.05 && sleep 0 && usleep 1000 && echo slept
sh -c 'trap "echo rang; exit 3" ALRM; (sleep 0.1; kill -ALRM $$) & wait; wait'; echo "trap $?"
