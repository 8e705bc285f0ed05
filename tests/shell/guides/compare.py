#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""compare.py DOCUMENT NAME GOLDEN README [PART]: what we print beside what the document shows, command by command.

PART "-from TEXT" and "-to TEXT" bound the document's lines. Commands are matched in order; of two that match, each line
of ours that the document does not show, and the number of the document's lines that we do not print, is a difference.
Every one must be a row of the README's table of this NAME, and every row must be one.
Spaces, the lines under headings and the documents' margin notes do not count, nor does the case of DiskPart's name."""
import difflib
import re
import sys

OTHER_PROMPT = re.compile(r"^(PS )?C:\\.*>|^-? ?`?C:\\?>|`C:\\")
PROMPT = re.compile(r"DISKPART>\s*(.*)$")


def squeeze(line):
    line = re.sub(r"<-{2,}.*|\*\*$", lambda m: "* *" if m.group() == "**" else "", line)
    line = re.sub(r"\s+", " ", line).strip()
    if not line or re.fullmatch(r"[-\s s]+", line) or line.startswith("<="):
        return None
    line = re.sub(r"^\*(?=\w)", "* ", line)
    return line.replace("Diskpart", "DiskPart").rstrip(".")


def words(command):
    command = re.sub(r"\bpart\b", "partition", command.lower())
    return re.sub(r"[ =]+", " ", command).strip()


def document(path, start, end):
    """[(command, [reply lines])] of Markdown: a command in a fence or in back quotes, its reply in the same fence or quoted."""
    found, fence, note, elsewhere, inside = [], False, False, False, not start
    for line in open(path, encoding="utf-8"):
        text = line.strip()
        inside = inside or start in line
        if end and end in line:
            break
        fence ^= text.startswith("```")
        m = PROMPT.search(text.replace("`", ""))
        if not inside or text.startswith("```"):
            continue
        if m and (fence or text.startswith("-")):
            found.append((m.group(1), []))
            elsewhere = False
            continue
        elsewhere = elsewhere or bool(OTHER_PROMPT.search(text))  # what follows is another program's
        note = not fence and (text.startswith("> [!") or note and text.startswith(">"))
        quoted = fence or re.match(r">|(\*?Partition|Volume|Disk|DiskPart)\b", text, re.I)
        if quoted and not note and not elsewhere and found and squeeze(text.lstrip("> ")):
            found[-1][1].append(squeeze(text.lstrip("> ")))
    return found


def golden(path):
    found = []
    for line in open(path):
        m = PROMPT.match(line)
        if m:
            found.append((m.group(1), []))
        elif found and squeeze(line):
            found[-1][1].append(squeeze(line))
    return found


def listed(path, name):
    """The README's rows: | name | command | line | reason |"""
    rows = [[c.strip().strip("`") for c in line.strip().strip("|").split("|")] for line in open(path)
            if line.startswith("|")]
    return {(r[1], squeeze(r[2])) for r in rows if len(r) == 4 and r[0] == name}


def main():
    doc_path, name, golden_path, readme = sys.argv[1:5]
    bounds = dict(zip(sys.argv[5::2], sys.argv[6::2]))
    theirs, ours = document(doc_path, bounds.get("-from", ""), bounds.get("-to")), golden(golden_path)
    differences = []
    match = difflib.SequenceMatcher(None, [words(c) for c, _ in theirs], [words(c) for c, _ in ours], autojunk=False)
    compared = 0
    for tag, i1, i2, j1, j2 in match.get_opcodes():
        if tag != "equal":
            differences += [(c, "(a command of the document that is not run)") for c, _ in theirs[i1:i2]]
            differences += [(c, "(a command that the document does not have)") for c, _ in ours[j1:j2]]
            continue
        for (_, shown), (command, printed) in zip(theirs[i1:i2], ours[j1:j2]):
            compared += 1
            only_ours, missing = list(printed), 0
            for line in shown:
                if line in only_ours:
                    only_ours.remove(line)
                else:
                    missing += 1
            if not shown:
                continue
            only_ours = [x for x in only_ours if not x.startswith(("Volume ### Ltr", "Disk ### Status", "Partition ### Type"))]
            differences += [(command, x) for x in only_ours]
            if missing > len(only_ours):
                differences.append((command, "(%d lines of the document are not printed)" % (missing - len(only_ours))))
    want = listed(readme, name)
    have = {(c, squeeze(x)) for c, x in differences}
    for command, line in sorted(have - want):
        print("not listed: | %s | %s | `%s` | |" % (name, command, line))
    for command, line in sorted(want - have):
        print("listed, but no difference: | %s | %s | %s |" % (name, command, line))
    print("%d commands of %d compared, %d differences" % (compared, len(theirs), len(have)))
    return 1 if have != want or compared < len(theirs) // 2 else 0


sys.exit(main())
