#!/usr/bin/env python3
"""Checks that no file of src/ includes what the table of folders in docs/architecture.md does not allow.

Tests may include anything: they are left out. A folder may always include itself. Exits with 1 and a line for each include
that is not allowed.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| src/(\S+) \|.*\| ([^|]*) \|$")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
TEST = re.compile(r"_test\.cc$|/test_|_test_bench\.h$|/testing/")


def table():
    """Folder -> what it may include, or None for everything. `<kind>` stands for any folder there."""
    allowed = {}
    for line in (ROOT / "docs/architecture.md").read_text().splitlines():
        row = ROW.match(line)
        if row:
            folder, may = row.groups()
            allowed[folder] = None if may == "everything" else re.findall(r"[a-z_]+(?:/[a-z_<>]+)*", may) if may != "nothing of ours" else []
    if not allowed:
        sys.exit("check-arrows: docs/architecture.md has no table of folders")
    return allowed


def rule_of(path, allowed):
    """The longest row that the file's folder falls under."""
    parts = path.parent.parts
    for n in range(len(parts), 0, -1):
        for name in ("/".join(parts[:n]), "/".join(parts[: n - 1] + ("<kind>",))):
            if name in allowed:
                return name
    return None


def main():
    allowed = table()
    bad = []
    for file in sorted((ROOT / "src").rglob("*.[ch]*")):
        path = file.relative_to(ROOT / "src")
        if TEST.search("/" + str(path)):
            continue
        rule = rule_of(path, allowed)
        if rule is None:
            bad.append(f"src/{path}: its folder is not in the table of docs/architecture.md")
            continue
        may = allowed[rule]
        if may is None:
            continue
        own = "/".join(path.parent.parts[: rule.count("/") + 1])
        for target in INCLUDE.findall(file.read_text()):
            folder = target.rpartition("/")[0]
            if not folder or target.startswith("docktor/"):
                continue
            if any(folder == ok or folder.startswith(ok + "/") for ok in [own, *may]):
                continue
            bad.append(f"src/{path}: includes {target}; {rule} may use {', '.join(may) or 'nothing of ours'}")
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


sys.exit(main())
