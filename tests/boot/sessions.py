"""What a person does at a terminal, on the serial port (console.py) or on the screen (screen_console.py)."""

UP, LEFT, HOME, END = "\x1b[A", "\x1b[D", "\x01", "\x05"


def clears(console, prompt):
    console.type("clear\n")
    console.until("an empty screen", lambda: console.text().strip() == prompt)


def says(console, keys, *wanted, prompt):
    """Types a line; each of `wanted` appears, and a fresh prompt. The screen is empty before."""
    clears(console, prompt)
    console.type(keys)
    for text in wanted:
        console.until(f"{text!r} on a line of its own", lambda: any(text in line and not line.startswith(prompt) for line in console.text().split("\n")))
    console.prompt(prompt)


def stops(console, key, *wanted, prompt):
    """A program in the foreground, which says that it is there, and a key that ends or stops it. No shell between: one that is
    about to execute another program may miss ^\\."""
    console.type("echo here $((40 + 2)) >/tmp/here\n")
    console.prompt(prompt)
    clears(console, prompt)
    console.type("tail -f /tmp/here\n")
    console.shows("here 42")
    console.type(key)
    for text in wanted:
        console.shows(text)
    console.prompt(prompt)


def edits(console, prompt):
    says(console, "echo one\n", "one", prompt=prompt)
    says(console, f"{UP}{UP}{LEFT}{LEFT}XX\n", "oXXne", prompt=prompt)
    says(console, f"middle{HOME}echo first {END} last\n", "first middle last", prompt=prompt)
    says(console, "echo some words\x17sentence\n", "some sentence", prompt=prompt)   # ^W
    says(console, "echo /proc/memi\t\n", "/proc/meminfo", prompt=prompt)
    says(console, "echo /proc/unprov\t\x15echo kill\"\"ed\n", "killed", prompt=prompt)   # ^U


def controls_jobs(console, prompt, quit_text, stopped):
    says(console, "echo jobs follow\n", "jobs follow", prompt=prompt)
    stops(console, "\x03", prompt=prompt)
    stops(console, "\x1c", quit_text, prompt=prompt)
    says(console, "echo jobs follow\n", "jobs follow", prompt=prompt)
    stops(console, "\x1a", prompt=prompt)
    says(console, "jobs\n", stopped, prompt=prompt)
    says(console, "bg; echo status $?\n", "status 0", prompt=prompt)
    says(console, "jobs\n", "unning", prompt=prompt)
    says(console, "kill %1; wait; echo waited\n", "waited", prompt=prompt)
    clears(console, prompt)
    console.type("/bin/sh -c 'trap \"echo again\" CONT; echo here $((40 + 3)); while :; do read -r line && echo \"got $line\"; done'\n")
    console.shows("here 43")
    console.type("before\n")
    console.shows("got before")
    console.type("\x1a")
    console.prompt(prompt)
    console.type("fg\n")
    console.until("again", lambda: "again" in console.text().split("\n"))   # it has the terminal when it goes on
    console.type("after\n")
    console.shows("got after")
    console.type("\x03")
    console.prompt(prompt)
    says(console, "jobs; echo none left\n", "none left", prompt=prompt)


def shell_session(console, command, prompt, quit_text="Quit", stopped="Stopped"):
    console.type(f"{command}\n")
    console.prompt(prompt)
    edits(console, prompt)
    controls_jobs(console, prompt, quit_text, stopped)
    console.type("exit\n")
    console.prompt("#")


def vi_session(console):
    """Key by key, as busybox vi forgets what is typed while it draws: what each does is waited for."""
    def mode(letter):
        console.until(f"mode {letter}", lambda: console.rows()[-1].startswith(letter))

    def key(key, row, column):
        console.type(key)
        console.until(f"{key!r}: the cursor in row {row}, column {column}",
                      lambda: console.cursor() == (row, column))

    def insert(command, text):
        console.type(command)
        mode("I")
        console.type(text)
        console.shows(text)
        console.type("\x1b")
        mode("-")

    console.type("vi /tmp/note\n")
    console.until("an empty file", lambda: console.text().count("\n~") > 15)
    insert("i", "hello world")
    console.type("yyp")
    console.until("two lines", lambda: console.text().count("hello world") == 2)
    insert("cw", "goodbye")
    key("G", 1, 0)
    key("$", 1, len("goodbye world") - 1)
    insert("a", ", again")
    console.type(":")
    console.until("the line of commands", lambda: console.rows()[-1].startswith(":"))
    console.type("s/world/moon/\n")
    console.shows("goodbye moon, again")
    key("1G", 0, 0)
    console.type("dd")
    console.until("one line less", lambda: "hello world" not in console.text())
    console.type("u")
    console.shows("hello world")
    console.type(":")
    console.until("the line of commands", lambda: console.rows()[-1].startswith(":"))
    console.type("wq\n")
    console.prompt("#")
    console.type("clear; cat /tmp/note\n")
    console.until("what vi wrote", lambda: console.text().startswith("hello world\ngoodbye moon, again\n"))


def less_session(console):
    console.type("clear; seq 1 200 >/tmp/numbers; less /tmp/numbers\n")
    console.until("the first page", lambda: console.text().startswith("1\n2\n3\n"))
    console.type(" ")
    second = len(console.rows())
    console.until("the second page", lambda: console.text().startswith(f"{second}\n{second + 1}\n"))
    console.type("b")
    console.until("the first page again", lambda: console.text().startswith("1\n2\n"))
    console.type("/^77")
    console.until("the pattern", lambda: console.rows()[-1].startswith("/^77"))
    console.type("\r")
    console.until("what was looked for", lambda: console.text().startswith("77\n78\n"))
    console.type("G")
    console.until("the end", lambda: "\n199\n200\n" in console.text())
    console.type(f"g{UP}")
    console.until("the beginning", lambda: console.text().startswith("1\n2\n"))
    console.type("q")
    console.prompt("#")


def top_session(console):
    console.type("clear; top -d 1\n")
    console.until("a table", lambda: "PID" in console.text() and "Mem:" in console.text())
    first = console.rows()[2]
    console.until("another one", lambda: console.rows()[2] != first, 60)   # the line of load averages counts processes
    console.type("q")
    console.prompt("#")
