#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""transcript.py DYNADISK SCRIPT DISK...: runs the script's commands in one shell and prints each with its reply.

A script's replies carry no prompts. What belongs to which command is told apart by a command whose reply is known,
put between every two of them. Lines that tell a rebuild's progress depend on the clock and are left out."""
import re
import subprocess
import sys

PROGRESS = re.compile(r"  .*: [a-z]+, +\d+ percent completed$")
MARK = "help rem"


def shell(program, commands, disks):
    # 8 MB/s: what follows `add disk` finds the rebuild under way
    run = subprocess.run([program, "shell", "--limit", "8", "--script", "-"] + disks, input="\n".join(commands) + "\n",
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return run.stdout, run.returncode


def main():
    program, script, disks = sys.argv[1], sys.argv[2], sys.argv[3:]
    commands = [line.strip() for line in open(script) if line.strip()]
    mark = shell(program, [MARK, "exit"], disks[:1])[0].split("\nLeaving DiskPart...")[0]
    lines = []
    for command in commands:
        lines += [command, MARK]
    output, code = shell(program, lines, disks)
    replies = output.split(mark)
    for command, reply in zip(commands, replies):
        print("DISKPART> " + command)
        print("\n".join(line for line in reply.rstrip("\n").split("\n") if not PROGRESS.match(line)) + "\n")
    if code or len(replies) < len(commands):
        sys.exit("the script ended with code %d after %d of %d commands" % (code, len(replies), len(commands)))


main()
