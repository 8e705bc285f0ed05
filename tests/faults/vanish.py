#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""vanish.py - a disk goes away while a mirror is added, below a real block device, and comes back.

    vanish.py SOME|all        SOME points of each kind; all: 50 of the copy, and each other write to the new disk

The disk is an image file that nbdkit serves, nbdfuse mounts, and a loop device stands on. From one of its requests on it
gives errors; or its server is killed. The program has to come to an end, with exit 4 and a message that names the disk.
The volume is then its old self, byte for byte; and with the disk back the rebuild goes on from there, to a healthy mirror.

Environment: DYNADISK (the program), T (a folder), SHARED (the look-up folder, may be empty). Needs root. Prints one line
for every failure, and at the end one of figures; exits 1 when there was a failure, 77 where there are no such devices.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

from kills import ADD, ONWARD, T, Failure, Pair, shell

SLOW = 10     # seconds from the moment the disk goes away to the program's end
PATIENCE = 60 # seconds for a device to come up

# nbdkit calls it for each request. Requests are counted one by one (serialize_requests), the reads of the new disk are not.
SERVER = r"""#!/bin/sh
case "$1" in
thread_model) echo serialize_requests; exit ;;
get_size) stat -L -c %s "$DISK"; exit ;;
can_write | can_flush) exit 0 ;;
pread | pwrite | flush) ;;
*) exit 2 ;;
esac
[ -e "$DISK.gone" ] && { echo "ESHUTDOWN the disk is gone" >&2; exit 1; }
case "$COUNTED" in
*"$1"*)
	echo "$1 $4 $3" >>"$DISK.log"
	n=$(wc -l <"$DISK.log")
	if [ "$n" = "$AT" ]; then
		: >"$DISK.gone"
		[ "$HOW" = kill ] && kill -KILL "$PPID"
		echo "EIO the disk is gone" >&2
		exit 1
	fi ;;
esac
case "$1" in
pread) dd if="$DISK" iflag=skip_bytes,count_bytes skip="$4" count="$3" bs=1M status=none ;;
pwrite) dd of="$DISK" oflag=seek_bytes seek="$4" bs=1M iflag=fullblock conv=notrunc status=none ;;
flush) : ;;
esac
"""


def wait_for(what, condition, process):
    until = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None or time.monotonic() > until:
            raise Failure("%s does not come up" % what)
        time.sleep(0.02)


def end(process, how=signal.SIGTERM):
    if process and process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Device:
    """A block device on an image, that goes away at its request number `at` (0: never) of the kinds counted."""

    def __init__(self, folder, image, counted, at, how):
        self.image, self.mount = image, folder + "/mount"
        self.server = self.fuse = None
        self.path = ""
        os.makedirs(self.mount)
        with open(folder + "/server", "w") as f:
            f.write(SERVER)
        os.chmod(folder + "/server", 0o755)
        env = dict(os.environ, DISK=image, COUNTED=counted, AT=str(at), HOW=how)
        with open(folder + "/devices.log", "w") as log:
            try:
                # small requests: more moments
                self.server = subprocess.Popen(["nbdkit", "-f", "-U", folder + "/socket", "--filter=blocksize", "sh",
                                                folder + "/server", "maxdata=256k"],
                                               env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                wait_for("nbdkit", lambda: os.path.exists(folder + "/socket"), self.server)
                self.fuse = subprocess.Popen(["nbdfuse", self.mount + "/disk", "--unix", folder + "/socket"],
                                             stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                wait_for("nbdfuse", lambda: os.path.exists(self.mount + "/disk"), self.fuse)
                # direct: no cache below the block device answers for a disk that is gone
                p = subprocess.run(["losetup", "-f", "--show", "--direct-io=on", self.mount + "/disk"], stdout=subprocess.PIPE, text=True,
                                   stderr=log, check=False)
                if p.returncode:
                    raise Failure("there is no loop device")
                self.path = p.stdout.strip()
            except (Failure, OSError):
                self.close()
                raise

    def gone_at(self):
        """When it went away, as time.time() counts; None when it did not."""
        return os.stat(self.image + ".gone").st_mtime if os.path.exists(self.image + ".gone") else None

    def requests(self):
        """(kind, offset, bytes) of those counted."""
        try:
            with open(self.image + ".log") as f:
                return [(kind, int(at), int(n)) for kind, at, n in (line.split() for line in f)]
        except FileNotFoundError:
            return []

    def close(self):
        if self.path:
            subprocess.run(["losetup", "-d", self.path], check=False)
        # a mount in use cannot be taken away: the loop device lets go of it in its own time
        until = time.monotonic() + PATIENCE
        while self.fuse and self.path and time.monotonic() < until and subprocess.run(
                ["losetup", "-n", "-O", "BACK-FILE", self.path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, check=False).stdout.strip().startswith(self.mount):
            time.sleep(0.02)
        end(self.fuse)
        end(self.server)
        # its server was killed: it may have left the mount behind
        subprocess.run(["umount", "-l", self.mount], stderr=subprocess.DEVNULL, check=False)


COUNTED = ("pread pwrite", "pwrite") # what counts on the source, and on the target


def run(pair, name, disk, at, how):
    """Adds the mirror with this disk on a device that goes away there. (images, folder, code, output, device)."""
    folder, images = pair.fresh(name)
    device = Device(folder, images[disk], COUNTED[disk], at, how)
    try:
        paths = [device.path if i == disk else path for i, path in enumerate(images)]
        code, out = shell(ADD, *paths, state=folder + "/state")
        ended, gone = time.time(), device.gone_at()
    finally:
        device.close()
    if gone and ended - gone > SLOW:
        raise Failure("it ends %.1f s after the disk went away" % (ended - gone))
    return folder, images, code, out, device, gone


def count(pair, disk):
    """The requests of a run where the disk stays."""
    folder, images, code, out, device, _ = run(pair, "count%d" % disk, disk, 0, "error")
    if code:
        raise Failure("it fails where the disk stays: " + out)
    pair.whole(images, folder + "/state", out)
    requests = device.requests()
    shutil.rmtree(folder)
    return requests


def point(pair, disk, at, how):
    """True: the disk went away at its request `at`, and came back."""
    name = "%s%d-%s" % ("source" if disk == 0 else "target", at, how)
    folder, images, code, out, _, gone = run(pair, name, disk, at, how)
    try:
        m = pair.judge(images)
        if not gone:
            if code:
                raise Failure("the disk is there, and it exits %d: %s" % (code, out))
            return False
        done = m["volumes"][0]["layout"] == "mirror" and m["volumes"][0]["status"] == "healthy"
        # 5: it was gone before the volume on it was selected, as there is none
        if code not in ((4, 5) if disk == 0 else (4,)) and not (code == 0 and done):
            raise Failure("the disk goes away, and it exits %d: %s" % (code, out))
        error = out.partition("Virtual Disk Service error:")[2] if code == 4 else ""
        if code == 4 and "Disk %d" % disk not in error:
            raise Failure("the message does not name Disk %d: %s" % (disk, out))
        if len(m["groups"]) == 2: # for the same reason the new disk was made a group of its own
            shell("select disk 1\nclean\n", *images, state=folder + "/state2")
        _, out = shell(ONWARD, *images, state=folder + "/state2")
        pair.whole(images, folder + "/state2", out)
        return True
    finally:
        shutil.rmtree(folder)


def spread(requests, n):
    """n of them, evenly."""
    n = min(n, len(requests))
    return [requests[(2 * i + 1) * len(requests) // (2 * n)] for i in range(n)]


def points(pair, n):
    """(disk, at, how) to try; n 0: all."""
    reads, writes = count(pair, 0), count(pair, 1)
    inside = [i + 1 for i, (_, at, size) in enumerate(writes) if size >= 65536]
    others = [i + 1 for i in range(len(writes)) if i + 1 not in inside]
    # the copy, and what is written before and behind it; of the source, whatever is asked of it
    for k, at in enumerate(spread(inside, n or 50)):
        yield 1, at, "kill" if k % 3 == 2 else "error"
    for k, at in enumerate(spread(others, n) if n else others):
        yield 1, at, "kill" if k % 3 == 0 else "error"
    for k, at in enumerate(spread(range(1, len(reads) + 1), n or 50)):
        yield 0, at, "kill" if k % 3 == 1 else "error"


def main():
    n = 0 if sys.argv[1] == "all" else int(sys.argv[1])
    begin = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1)) # no device is left behind
    pair = Pair(T + "/vanish", 16, 1)
    try:
        folder, images = pair.fresh("try")
        Device(folder, images[1], "", 0, "error").close()
        shutil.rmtree(folder)
    except (Failure, OSError) as e:
        print(e)
        sys.exit(77)
    gone = {0: 0, 1: 0}
    tried = failures = 0
    for disk, at, how in points(pair, n):
        tried += 1
        try:
            gone[disk] += point(pair, disk, at, how)
        except (Failure, subprocess.TimeoutExpired, OSError, ValueError) as e:
            failures += 1
            print("%s, request %d, %s: %s" % ("source" if disk == 0 else "target", at, how, e), flush=True)
    print("figures: %d runs, the new disk went away in %d, the source in %d; %d failures, %.0f s" %
          (tried, gone[1], gone[0], failures, time.monotonic() - begin))
    sys.exit(1 if failures or not gone[0] or not gone[1] else 0)


main()
