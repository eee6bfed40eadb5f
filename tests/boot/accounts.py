#!/usr/bin/python3
# timeout: 200
"""Users and groups as on any Linux: adduser, a login with a password, what root's files refuse, su and back,
passwd, a program as another user, deluser."""
import re

from machine import Shell, harness
from harness import expect_equal, expect_true


def answers(machine, command, *dialogue):
    """Types a command and the answers to its questions."""
    machine.send(command + "\n")
    for question, answer in dialogue:
        machine.expect(question)
        machine.send(answer + "\n")


def password_of(machine, command, password):
    answers(machine, command, ("assword:", password), ("assword:", password))
    machine.expect("changed")


def run(machine, command, status, pattern=""):
    got, text = machine.command(command)
    expect_equal(f"status of {command} ({text!r})", got, status)
    expect_true(f"{command} printed {text!r}, not {pattern!r}", re.search(pattern, text.replace("\x1b[6n", ""), re.MULTILINE))


def test():
    with Shell(limit=190) as machine:
        run(machine, "adduser -D -g Alice alice && adduser -D bob && addgroup crew && adduser alice crew", 0)
        run(machine, "id alice", 0, r"uid=1000\(alice\) gid=1000\(alice\) groups=1000\(alice\),1002\(crew\)")
        run(machine, "adduser -D alice", 1, "there already")
        run(machine, "ls -ld /home/alice; ls -l /etc/shadow", 0, r"drwxr-xr-x.*alice +alice[^\n]*/home/alice\n-rw------- ")
        password_of(machine, "passwd alice", "moo-123x")
        password_of(machine, "passwd root", "cow-456y")
        run(machine, "echo secret >/root/file; chmod 600 /root/file; mkdir -m 700 /root/d; : >/root/d/x", 0)

        # A login on the terminal, first with the wrong password.
        answers(machine, "login", ("login:", "alice"), ("assword:", "wrong"))
        machine.expect("ncorrect")
        answers(machine, "", ("login:", "alice"), ("assword:", "moo-123x"))
        machine.expect(r"\$ ")
        run(machine, "id; pwd; echo $USER $HOME", 0, r"uid=1000\(alice\) gid=1000\(alice\) groups=1000\(alice\),1002\(crew\)\n/home/alice\nalice /home/alice")
        run(machine, "cat /root/file", 1, "Permission denied")
        run(machine, "ls /root/d", 1, "Permission denied")
        run(machine, "cat /etc/shadow", 1, "Permission denied")
        run(machine, "echo x >/etc/passwd", 1, "denied")
        run(machine, "rm -f /etc/passwd", 1, "denied")
        run(machine, "kill 1", 1, "not permitted")
        run(machine, "cat /proc/1/environ", 1, "denied")
        run(machine, "hostname else", 1, "not permitted")
        run(machine, "adduser -D carol", 1, "must be root")
        run(machine, "echo mine >mine && chmod 640 mine && chgrp crew mine && ls -l mine", 0, r"-rw-r----- .*alice +crew")
        run(machine, "chown bob mine", 1, "not permitted")
        run(machine, "chgrp tty mine", 1, "not permitted")
        run(machine, "cat /dev/stdin </home/alice/mine", 0, "^mine\n")

        # To root and back.
        answers(machine, "su -c 'id -u; cat /root/file'", ("assword:", "wrong"))
        machine.expect("ncorrect")
        answers(machine, "su -c 'id -u; cat /root/file'", ("assword:", "cow-456y"))
        machine.expect(r"\b0\s+secret")
        answers(machine, "su", ("assword:", "cow-456y"))
        machine.expect("# ")
        run(machine, "id -un", 0, "^root\n")
        run(machine, "su bob -c 'id; cat /home/alice/mine'", 1, r"uid=1001\(bob\) gid=1001\(bob\) groups=1001\(bob\)\n.*denied")
        machine.send("exit\n")
        machine.expect(r"\$ ")
        run(machine, "id -un", 0, "^alice\n")

        # Her own password, then out, and in with the new one.
        answers(machine, "passwd", ("Old password:|assword:", "moo-123x"), ("New password:|assword:", "grass-789z"), ("assword:", "grass-789z"))
        machine.expect("changed")
        machine.send("exit\n")
        machine.expect("# ")
        run(machine, "id -un", 0, "^root\n")
        run(machine, "su - alice -c 'id -un; pwd'", 0, "^alice\n/home/alice\n")
        run(machine, "setuidgid bob id -u; chpst -u alice:crew id", 0, r"^1001\nuid=1000\(alice\) gid=1002\(crew\)")
        answers(machine, "login alice", ("assword:", "grass-789z"))
        machine.expect(r"\$ ")
        machine.send("exit\n")
        machine.expect("# ")
        run(machine, "deluser --remove-home alice; id alice; ls /home; grep -c alice /etc/passwd /etc/shadow /etc/group", 1,
            "no such user|unknown user")
        machine.power_off()


harness.run(test)
