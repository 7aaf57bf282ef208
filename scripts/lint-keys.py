#!/usr/bin/env python3
"""Prints `FILE KEY` for each source that is named on standard input: a hash of its text, of every header of ours that it
includes, directly or not, and of the argument, which stands for the tool and its settings."""
import functools
import hashlib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(rb'^#include "([^"]+)"', re.M)


@functools.cache
def text(path):
    return path.read_bytes()


@functools.cache
def included(path):
    """Files of ours that the file's own lines name."""
    places = [ROOT, ROOT / "src", ROOT / "include", path.parent]
    found = []
    for name in INCLUDE.findall(text(path)):
        found += [p for p in (place / name.decode() for place in places) if p.is_file()][:1]
    return found


def closure(path):
    seen, todo = {path}, [path]
    while todo:
        for header in included(todo.pop()):
            if header not in seen:
                seen.add(header)
                todo.append(header)
    return sorted(seen)


for line in sys.stdin:
    name = line.strip()
    key = hashlib.sha1(f"{sys.argv[1]} {name}".encode())
    for part in closure(ROOT / name):
        key.update(hashlib.sha1(text(part)).digest())
    print(name, key.hexdigest())
