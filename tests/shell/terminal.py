#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""terminal.py COMMAND... < STEPS: plays a session on a pseudo-terminal.

Each line of STEPS is a word and a text: "see TEXT" waits until TEXT appears after what was seen before, "type TEXT" sends
it (\\r, \\t, \\x03 as in Python), "hangup" closes the terminal. What the program wrote goes to stdout, its exit code is the
last line. Fails when something is not seen within 60 seconds, or the program does not end.
"""
import os
import pty
import select
import sys
import termios
import time

LIMIT = 60


def main():
    steps = [line.rstrip("\n").split(" ", 1) for line in sys.stdin if line.strip()]
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "vt100"
        os.execvp(sys.argv[1], sys.argv[1:])
    out, at = b"", 0

    def more(end):
        nonlocal out
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            return False
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b""
        out += data
        return bool(data)

    def fail(text):
        sys.stdout.write(out.decode(errors="replace") + "\n" + text + "\n")
        os.kill(pid, 9)
        sys.exit(1)

    hung_up = False
    for step in steps:
        what, text = step[0], (step[1] if len(step) > 1 else "").encode().decode("unicode_escape").encode("latin-1")
        if what == "type":
            # libedit shows its prompt a moment before it takes the terminal out of line mode; an end-of-file
            # character that comes in between is the terminal's, and lost. Nobody types that fast.
            end = time.monotonic() + LIMIT
            while text == b"\x04" and termios.tcgetattr(fd)[3] & termios.ICANON and time.monotonic() < end:
                time.sleep(0.01)
            os.write(fd, text)
        elif what == "hangup":
            os.close(fd)
            hung_up = True
        elif what == "see":
            end = time.monotonic() + LIMIT
            while text not in out[at:]:
                if not more(end):
                    fail("not seen: %r" % text)
            at = out.index(text, at) + len(text)
        else:
            fail("no such step: " + what)
    end = time.monotonic() + LIMIT
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > end:
            fail("still running")
        if hung_up:
            time.sleep(0.05)
        else:
            more(time.monotonic() + 0.1)
    while not hung_up and more(time.monotonic() + 0.1):
        pass
    sys.stdout.write(out.decode(errors="replace").replace("\r", "") + "\n%d\n" % os.waitstatus_to_exitcode(status))


main()
