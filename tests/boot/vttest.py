#!/usr/bin/python3
# timeout: 150
# once: yes
"""Debian's vttest on the screen: each page must hold the characters, attributes and cursor that Linux shows (vttest.pages).
`AUBRAC_KERNEL=vmlinuz tests/boot/vttest.py` compares Linux with the file; with --record behind it, writes the file."""
import difflib
import pathlib
import re
import shutil
import sys
import tempfile

from machine import harness

PAGES = pathlib.Path(__file__).with_name("vttest.pages")
# What TERM=linux claims, by the choices in vttest's menus.
TESTS = """1 2 3 8
6/3 6/4
9/2 9/7 9/9
11/1/2/2 11/1/2/3
11/5/1 11/5/3 11/5/5 11/5/6 11/5/7 11/5/8 11/5/9
11/6/2 11/6/3 11/6/4 11/6/5 11/6/6/1 11/6/6/2 11/6/6/3 11/6/8 11/6/9""".split()
# Rows that Linux shows wrongly, as vttest's own text says, and as they should be.
LINUX_ERRS = (
    # ESC [ g sets the tabulator that it should clear ("These two lines should look the same").
    ("2.2 11/6/6/2.2", "0|      *     *     *     *     *     *     *     *     *     *     *     *     *"),
    # ESC * and ESC + are not read to their end: two letters B are left.
    ("3.1", "21|         `abcdefghijklmnopqrstuvwxyz{|}~       `abcdefghijklmnopqrstuvwxyz{|}~\\x7f"),
    # Deleting as many lines as there are leaves one ("this line, nothing more"), and deleting the last one does nothing.
    ("8.2 8.9 11/6/6/3.4 11/6/6/3.11", "1|Top line: A's, bottom line: Y's, this line, nothing more. Push <RETURN>"),
    ("11/6/6/3.1", "24|       *"),
    # In origin mode the cursor's row is reported with the region's top added, not taken away.
    ("6/3.1", "7|Report is: <27> [ 5 ; 1 R  -- OK"),
    ("6/3.1", "7:10-25 70"))
FILES = ("/usr/bin/vttest", "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6")
INIT = f"""#!/bin/sh
mount -t proc proc /proc 2>/dev/null
mount -t devtmpfs dev /dev 2>/dev/null
/tests/vttest_pages {" ".join(TESTS)}
poweroff -f
"""


def lines_shown():
    with tempfile.TemporaryDirectory(prefix="aubrac-") as place:
        place = pathlib.Path(place)
        for name in FILES:
            target = place / "extra" / name[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, target)
        (place / "extra/tests").mkdir()
        shutil.copy(harness.BUILD / "tests/root/tests/vttest_pages", place / "extra/tests")
        (place / "init").write_text(INIT)
        initrd = harness.make_initramfs(place / "initramfs.cpio.gz", extra=place / "extra", init=place / "init")
        with harness.Machine(initrd=initrd, limit=140) as machine:
            machine.must_end_with(harness.POWERED_OFF)
            text = machine.serial()
    lines = [line for line in text.split("\n") if re.match(r"== |\d+[|:]|FAILED", line)]
    # The code page's characters, so that one can read it.
    return [re.sub(r"\\x([89a-f].)", lambda byte: bytes.fromhex(byte[1]).decode("cp437"), line).rstrip(" ") for line in lines]


def by_page(lines):
    pages = {}
    for line in lines:
        if line.startswith("== "):
            name, how = line.split(" ", 2)[1:]
            page = pages[name] = [how] if not how.startswith("as ") else list(pages[how[3:]])
        else:
            page.append(line)
    return pages


def write_pages(pages):
    """Those that are like an earlier one are named only."""
    text, names = "", {}
    for name, page in pages.items():
        first = names.setdefault(tuple(page), name)
        text += f"== {name} as {first}\n" if first != name else f"== {name} " + "\n".join(page) + "\n"
    PAGES.write_text(text)


def corrected(name, page):
    """The page as it should be: Linux without its mistakes."""
    rows = [row for names, row in LINUX_ERRS if name in names.split()]
    for row in rows:
        page = [row if line.startswith(re.match(r"\d+.", row)[0]) else line for line in page]
    return page


def test():
    lines = lines_shown()
    if lines[-1:] != ["== end"]:
        raise harness.Failure("vttest did not come to its end, but to\n" + "\n".join(lines[-30:]))
    shown = by_page(lines[:-1])
    if "--record" in sys.argv:
        return write_pages(shown)
    wanted = by_page(PAGES.read_text().splitlines())
    if not harness.is_linux():
        wanted = {name: corrected(name, page) for name, page in wanted.items()}
    wrong = [name for name in wanted if shown.get(name) != wanted[name]]
    for name in wrong:
        print("\n".join(difflib.unified_diff(wanted[name], shown.get(name, []), f"{name} as wanted", f"{name} as shown", lineterm="", n=0)))
    harness.expect_equal("pages that differ", wrong, [])
    harness.expect_equal("the pages", list(shown), list(wanted))
    print(f"{len(wanted)} pages")


harness.run(test)
