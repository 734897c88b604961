#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Local links and pictures in Markdown lead to a file that is there, and #anchors to a heading: links.py SOURCE_ROOT"""
import os
import re
import sys

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|(?:src|href)=\"([^\"]+)\"")
SKIPPED = {".git", "build", "node_modules"}


def prose(text):
    """The text without code, in which brackets are no links."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path):
    """As GitHub makes them from headings: lower case, no punctuation, dashes for spaces."""
    with open(path, encoding="utf-8") as file:
        headings = re.findall(r"^#+\s+(.*?)\s*#*$", re.sub(r"^```.*?^```", "", file.read(), flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", h).lower()).replace(" ", "-") for h in headings}


def broken(path):
    with open(path, encoding="utf-8") as file:
        links = LINK.findall(prose(file.read()))
    for markdown, html in links:
        link = markdown or html
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        target, _, anchor = link.partition("#")
        where = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
        if not os.path.exists(where):
            yield f"{link}: there is no such file"
        elif anchor and where.endswith(".md") and anchor not in anchors(where):
            yield f"{link}: there is no such heading"


def main():
    root, problems, seen = sys.argv[1], 0, 0
    for directory, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED and not os.path.exists(os.path.join(directory, f, "build.ninja"))]
        for name in sorted(names):
            if not name.endswith(".md") or name.startswith("report"):
                continue
            seen += 1
            for problem in broken(os.path.join(directory, name)):
                print(f"{os.path.relpath(os.path.join(directory, name), root)}: {problem}")
                problems += 1
    return 1 if problems or seen == 0 else 0


sys.exit(main())
