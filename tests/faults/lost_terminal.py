#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""lost_terminal.py - a rebuild, and a terminal that stops or goes away.

    lost_terminal.py blocked SECONDS   the terminal takes no output (XOFF) for so long: the copy goes on, at its rate
    lost_terminal.py hangup N          SIGHUP, N times, a new console after each: the rebuild goes on without a screen, the
                                       next one finds it and pauses it; the terminal's modes are what they were

Environment: DYNADISK, T (a folder). Prints failures and one line of figures; exits 1 when there was a failure.
"""
import json
import os
import pty
import random
import select
import signal
import subprocess
import sys
import termios
import threading
import time

DYNADISK, T = os.environ["DYNADISK"], os.environ["T"]
IMAGES = [T + "/good.img", T + "/new.img"]
STATE = T + "/state"
MIB = 1 << 20
PATIENCE = 120 # seconds for what takes moments: machines are slow at times


class Failure(Exception):
    pass


def until(what, condition, limit=PATIENCE):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise Failure("not within %d s: %s" % (limit, what))
        time.sleep(0.02)


def shell(script):
    p = subprocess.run([DYNADISK, "shell", "--script", "-", *IMAGES], input=script, text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, env=dict(os.environ, DYNADISK_STATE=STATE), check=False, timeout=600)
    return p.returncode, p.stdout


def status():
    p = subprocess.run([DYNADISK, "status", "--json", *IMAGES], stdout=subprocess.PIPE, check=True, timeout=60)
    return json.loads(p.stdout)


def job():
    jobs = status()["jobs"]
    return jobs[0] if jobs else {"state": "none", "done": 0}


def make(mib):
    """A volume of random bytes, and its rebuild, begun and paused. The volume's bytes and where they are."""
    for path in IMAGES:
        with open(path, "wb") as f:
            f.truncate((mib + 16) * MIB)
    code, out = shell("select disk 0\nconvert mbr\nconvert dynamic\ncreate volume simple size=%d disk=0\nselect disk 1\n"
                      "convert mbr\nconvert dynamic\n" % mib)
    if code:
        raise Failure(out)
    offset = status()["volumes"][0]["plexes"][0]["extents"][0]["offset"]
    data = random.Random(mib).randbytes(mib * MIB)
    with open(IMAGES[0], "r+b") as f:
        f.seek(offset)
        f.write(data)
    shell("rebuild rate=1\nselect volume 0\nadd disk=1\nrebuild pause\n")
    if job()["state"] != "paused":
        raise Failure("the rebuild cannot be prepared: %s" % job())
    return data


def judge(data):
    """To the end, without a limit; then both halves are the data."""
    code, out = shell("rebuild resume\nwait\n")
    m = status()
    v = m["volumes"][0]
    if code or (v["layout"], v["status"]) != ("mirror", "healthy"):
        raise Failure("it ends as %s %s: %s" % (v["layout"], v["status"], out))
    for p in v["plexes"]:
        e = p["extents"][0]
        with open(IMAGES[int(e["disk"][5:])], "rb") as f:
            f.seek(e["offset"])
            if f.read(e["size"]) != data:
                raise Failure("A HALF DIFFERS: " + p["name"])


class Console:
    """The program on a pseudo-terminal that is read all the time."""

    def __init__(self, *options):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.bytes = 0
        self.end = False
        self.process = subprocess.Popen([DYNADISK, "--state-dir", STATE, *options, *IMAGES], stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, start_new_session=True, preexec_fn=self.take_terminal,
                                        env=dict(os.environ, TERM="vt100", LINES="24", COLUMNS="80"))
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        until("the console opens", lambda: self.modes() != self.before or self.process.poll() is not None)

    def take_terminal(self):
        import fcntl # pylint: disable=import-outside-toplevel
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read(self):
        while not self.end:
            if select.select([self.master], [], [], 0.1)[0]:
                self.bytes += len(os.read(self.master, 65536))

    def modes(self):
        return termios.tcgetattr(self.slave)

    def type(self, keys):
        os.write(self.master, keys)

    def restored(self):
        until("the terminal's modes are restored", lambda: self.modes() == self.before)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.end = True
        self.reader.join()
        os.close(self.master)
        os.close(self.slave)


def slope(seconds):
    """Bytes a second, from the moments at which progress is seen."""
    seen, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        done = job()["done"]
        if not seen or done != seen[-1][1]:
            seen.append((time.monotonic(), done))
        time.sleep(0.1)
    if len(seen) < 3:
        raise Failure("the copy stands still: %s" % seen)
    seen = seen[1:] # the first value was there before
    return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])


def blocked(seconds):
    data = make(2 * seconds + 40)
    con = Console("--limit", "1")
    try:
        con.type(b"p\r") # the plan that resumes it, and Enter
        until("the rebuild goes on", lambda: job()["state"] == "copying" and job()["done"] > 0)
        free = slope(seconds) if seconds >= 30 else 0
        termios.tcflow(con.slave, termios.TCOOFF)
        time.sleep(0.3) # what was on its way
        sent, done = con.bytes, job()["done"]
        for _ in range(20):
            con.type(b"\x0c") # repaint: the console writes, and waits
        if seconds >= 30:
            rate = slope(seconds)
            if abs(rate - free) > free / 100:
                raise Failure("the rate is %.0f B/s with a blocked terminal, %.0f without" % (rate, free))
        else:
            rate = 0
            until("the copy goes on", lambda: job()["done"] >= done + 2 * MIB)
        if con.bytes != sent:
            raise Failure("the terminal was not blocked")
        termios.tcflow(con.slave, termios.TCOON)
        until("the screen goes on", lambda: con.bytes > sent)
        con.process.send_signal(signal.SIGTERM)
        con.process.wait(PATIENCE)
        con.restored()
        if job()["state"] != "paused":
            raise Failure("it was left as %s" % job())
    finally:
        termios.tcflow(con.slave, termios.TCOON)
        con.close()
    judge(data)
    measured = ", %.0f B/s with and %.0f without a block" % (rate, free) if free else ""
    return "blocked for %d s%s" % (seconds, measured)


def hangup(times):
    data = make(64)
    for _ in range(times):
        con = Console("--limit", "1")
        watcher = None
        try:
            con.type(b"p\r")
            until("it goes on", lambda: job()["state"] in ("checking", "copying"))
            con.process.send_signal(signal.SIGHUP)
            con.restored()
            before = job()
            if before["state"] not in ("checking", "copying") or con.process.poll() is not None:
                raise Failure("it does not go on without a screen: %s" % before)
            until("it moves", lambda b=before: job() != b)
            watcher = Console()
            watcher.type(b"p") # in another process: that is asked
            until("the new console pauses it", lambda: con.process.poll() is not None)
            watcher.process.send_signal(signal.SIGTERM)
            watcher.process.wait(PATIENCE)
            watcher.restored()
            if job()["state"] != "paused":
                raise Failure("it was left as %s" % job())
        finally:
            con.close()
            if watcher:
                watcher.close()
    judge(data)
    return "%d times" % times


def main():
    what, n = sys.argv[1], int(sys.argv[2])
    begin = time.monotonic()
    try:
        said, failed = (blocked if what == "blocked" else hangup)(n), False
    except (Failure, subprocess.TimeoutExpired) as e:
        said, failed = "failed: %s" % e, True
        print("%s: %s" % (what, e))
    print("figures: %s: %s, %.0f s" % (what, said, time.monotonic() - begin))
    sys.exit(failed)


main()
