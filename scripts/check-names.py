#!/usr/bin/env python3
"""Checks names that would mean something else where several files of a folder are compiled as one (DOCKTOR_UNITY).

A function in the unnamed namespace of a .cc file then joins the overloads that the files after it see, and may be chosen in
place of the one that they mean, without a word of the compiler. So in a folder no two files may have such functions of one
name, and none may have the name of a function of a header that another file of the folder calls. Left out are a file whose
namespace no other file of the folder has, and one that is a program by itself. Exits with 1 and a line for each.

    scripts/check-names.py [ROOT]     a tree with src/, tests/, ...; default: this one
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
UNNAMED = re.compile(r"^namespace \{\n(.*?)^\}  // namespace\n", re.M | re.S)
FUNCTION = re.compile(r"^(?:template\s*<[^>]*>\s*)?(?:\[\[\w+\]\]\s*)?[A-Za-z_][\w:<>,&*\s.]*?[\s&*>]([a-z_]\w*)\(")
PROGRAM = re.compile(r"^int main\(|LLVMFuzzerTestOneInput", re.M)
NAMESPACE = re.compile(r"^namespace ([\w:]+) \{", re.M)


def functions(text):
    """Names of the functions that begin in the first column."""
    found = (FUNCTION.match(line) for line in text.splitlines() if line[:1] not in (" ", "#", "/", "}"))
    return {m.group(1) for m in found if m}


def of_headers():
    names = set()
    for top in ("src", "include", "tests", "bench"):
        for header in (ROOT / top).rglob("*.h"):
            names |= functions(header.read_text())
    return names


def calls(text, name):
    return re.search(rf"(?<![\w.>:]){name}\(", text)


def is_own(text, name):
    """A lambda, a member or a function of the file has that name there."""
    lambda_ = rf"\b{name} = \["
    member = rf"^ +(?!return |else )[\w:<>,&* ]*[\w>&*] {name}\([^;]*\{{$"
    function = rf"^[\w:<>,&*][\w:<>,&* ]* {name}\("
    return re.search(f"{lambda_}|{member}|{function}", text, re.M)


def main():
    headers, bad = of_headers(), []
    folders = collections.defaultdict(list)
    for top in ("src", "tests", "bench", "examples"):
        for file in (ROOT / top).rglob("*.cc"):
            if not PROGRAM.search(file.read_text()):
                folders[file.parent, file.stem.endswith("_test")].append(file)
    for (folder, _), files in sorted(folders.items()):
        texts = {f: f.read_text() for f in sorted(files)}
        spaces = {f: (NAMESPACE.search(t) or [None, ""])[1] for f, t in texts.items()}
        shared = [f for f in texts if list(spaces.values()).count(spaces[f]) > 1]
        owners = collections.defaultdict(list)
        for f in shared:
            for name in functions("".join(UNNAMED.findall(texts[f]))):
                owners[name].append(f)
        for name, of in sorted(owners.items()):
            others = [f.name for f in shared if f not in of and name in headers and calls(texts[f], name) and not is_own(texts[f], name)]
            if len(of) > 1 or others:
                bad.append(f"{folder.relative_to(ROOT)}: {name}() in the unnamed namespace of {', '.join(f.name for f in of)}"
                           + (f", and of a header, called in {', '.join(others)}" if others else ""))
    for line in bad:
        print(line)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
