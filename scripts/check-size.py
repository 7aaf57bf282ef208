#!/usr/bin/env python3
"""Checks that no file is longer than 500 lines, no function longer than 80, and that no class has more than 20 methods.

    scripts/check-size.py [FOLDER...]      the folders whose .h and .cc files are looked at; the whole tree by default

What comes with a class does not count as a method: constructors, destructors, operators, and what is deleted. Overloads count once,
private methods as all others. Of tests only the files are looked at: a test tells one story, and a table of cases is long.
What is larger for now stands in LARGER with its size, which may only shrink. Exits with 1 and a line for each that is too large.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["src", "include", "tests", "bench", "examples"]
MAX_FILE = 500
MAX_LINES = 80
MAX_METHODS = 20

# To be split; a new name here needs a reason in the commit.
LARGER = {
    # Classes.
    "Controller": 84, "ProcessPool": 36, "ComposeService": 36, "ComposeTarget::Worker": 39, "ObjectivePolicy": 36,
    "Pool": 35, "Section": 28, "WorkloadState": 27, "Channel": 28, "KubernetesTarget::Service": 25,
    "KubernetesLease": 24,
}

BLANKED = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'|^\s*#(?:[^\n]*\\\n)*[^\n]*', re.S | re.M)
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum)\b(?:\s+(?:class|struct))?\s*(?:alignas\([^)]*\)\s*)?([\w:]*)")
TEST = re.compile(r"_test\.cc$|/tests?/|/test_|_test_bench\.h$|/testing/")
NAME_OF_FUNCTION = re.compile(r"([\w:~]+)\(\)")
NAME = re.compile(r"(~?\w+|operator\s*[^\s(]+|operator\(\))\s*$")


def blank(text):
    """Comments, strings and directives as spaces: lines stay where they are."""
    return BLANKED.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def outside_brackets(text):
    """The text without what stands in (), [] or <> of templates."""
    text = re.sub(r"^\s*template\s*<[^{;]*?>\s*(?=\w)", " ", text)
    previous = None
    while text != previous:
        previous = text
        text = re.sub(r"\([^()]*\)", "\0", re.sub(r"\[[^\[\]]*\]", " ", text))
    return text.replace("\0", "()")


def method_of(head, owner):
    """The method that this declaration is of; None for a field, a type, a friend, what comes with the class."""
    flat = outside_brackets(re.sub(r"\b(public|private|protected)\s*:", " ", head))
    if re.match(r"\s*(using|typedef|friend|static_assert)\b", flat) or "operator" in flat or re.search(r"=\s*(delete|default)\b", flat):
        return None
    before = flat.split("()")[0]
    if "()" not in flat or "=" in before:
        return None
    name = NAME.search(before)
    if not name or name.group(1).lstrip("~") == owner or re.search(r"\bfunction<[^>]*$", before):
        return None
    return name.group(1)


class File:
    def __init__(self, path):
        self.path = path
        self.text = blank((ROOT / path).read_text(errors="replace"))
        self.found = []
        self.test = TEST.search("/" + str(path)) is not None
        lines = self.text.count("\n")
        if lines > LARGER.get(str(path), MAX_FILE):
            self.found.append(f"{path}: {lines} lines, at most {MAX_FILE} are allowed")

    def line(self, at):
        return self.text.count("\n", 0, at) + 1

    def end_of(self, at):
        """Past the brace that closes the one at `at`."""
        depth = 0
        for m in re.compile(r"[{}]").finditer(self.text, at):
            depth += 1 if m.group() == "{" else -1
            if depth == 0:
                return m.end()
        return len(self.text)

    def scope(self, at, end, owner):
        """What stands directly in a namespace or class; `owner` is the class."""
        methods = set()
        begin = at
        while at < end:
            c = self.text[at]
            if c == ";":
                if owner and (name := method_of(self.text[begin:at], owner)):
                    methods.add(name)
                begin = at + 1
            elif c == "{":
                head = self.text[begin:at]
                close = self.end_of(at)
                flat = outside_brackets(head)
                kind = SCOPE.search(flat)
                if kind and "=" not in flat and ("()" not in flat[kind.end():] or kind.group(1) == "namespace"):
                    if kind.group(1) != "enum":
                        is_class = kind.group(1) in ("class", "struct")
                        self.scope(at + 1, close - 1, kind.group(2) if is_class else None)
                    begin = close
                elif re.search(r"[\w>]$", head) and not re.search(r"\b(const|override|final|noexcept|try|mutable)$", head):
                    at = close  # a member's initializer, or a constant's
                    continue
                elif "=" in re.sub(r"operator\s*\S+|[=!<>]=", "", flat.split("()")[0]):
                    at = close
                    continue
                elif "()" in flat:
                    first = begin + len(head) - len(head.lstrip())
                    lines = self.line(close) - self.line(first) + 1
                    name = NAME_OF_FUNCTION.search(flat)
                    if lines > LARGER.get(f"{self.path}:{name.group(1) if name else ''}", MAX_LINES) and not self.test:
                        self.found.append(f"{self.where(first)}: {lines} lines, at most {MAX_LINES} are allowed: {' '.join(head.split())[:90]}")
                    if owner and (name := method_of(head, owner)):
                        methods.add(name)
                    begin = close
                at = close
                continue
            at += 1
        if len(methods) > LARGER.get(owner, MAX_METHODS) and not self.test:
            self.found.append(f"{self.where(begin)}: class {owner} has {len(methods)} methods, at most {MAX_METHODS} are allowed")

    def where(self, at):
        return f"{self.path}:{self.line(at)}"


def main():
    found = []
    for folder in sys.argv[1:] or FOLDERS:
        for path in sorted(p for end in ("*.h", "*.cc") for p in (ROOT / folder).rglob(end)):
            file = File(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
            file.scope(0, len(file.text), None)
            found += file.found
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
