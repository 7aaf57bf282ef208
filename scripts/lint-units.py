#!/usr/bin/env python3
"""Prints what clang-tidy has to look at, one unit a line: `UNIT FILE KEY [FILE KEY ...]`.

  lint-units.py BUILD CACHE together|alone      `FILE KEY` lines (of lint-keys.py) on standard input

BUILD is the folder of a configured build. A file whose key has passed before (CACHE/ok-KEY) is left out. `together`
makes one unit of the files that the build compiles as one: the headers, most of the work, are then read once.
`alone` makes each file its own. CACHE/compile_commands.json tells clang-tidy how each unit is compiled.
Ends with 1, and names the file, when a file is compiled by no target of the build.
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
# Which warnings of GCC are errors is no matter of clang's.
ERRORS = re.compile(r" (-Werror(=[a-z-]+)?|-Wno-error=maybe-uninitialized)(?= )")

build, cache, how = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
wanted = dict(line.split() for line in sys.stdin)
todo = {name for name, key in wanted.items() if not (cache / f"ok-{key}").exists()}


def members(source):
    """The files of ours that one source of the build stands for."""
    names = INCLUDE.findall(source.read_text()) if "/Unity/" in str(source) else [str(source)]
    return [str(pathlib.Path(name).relative_to(ROOT)) for name in names if pathlib.Path(name).is_relative_to(ROOT)]


def compiled_as(entry, source):
    command = ERRORS.sub("", entry["command"]).replace(entry["file"], str(source))
    return {"directory": entry["directory"], "command": command, "file": str(source)}


units = cache / "units"
units.mkdir(parents=True, exist_ok=True)
commands, compiled, taken = [], set(), set()
for number, entry in enumerate(json.loads((build / "compile_commands.json").read_text())):
    ours = members(pathlib.Path(entry["file"]))
    compiled.update(ours)
    # A file that several targets compile is looked at once.
    look_at = [name for name in ours if name in todo and name not in taken]
    taken.update(look_at)
    if how == "together" and len(look_at) > 1:
        # The analyzer looks into included sources only where the file that includes them is called so.
        unit = (units / f"UnifiedSource-{number}.cc").resolve()
        lines = [f'#include "{ROOT / name}"  // NOLINT(bugprone-suspicious-include)\n' for name in look_at]
        unit.write_text("".join(lines))
        commands.append(compiled_as(entry, unit))
        print(unit, *(part for name in look_at for part in (name, wanted[name])))
    else:
        for name in look_at:
            commands.append(compiled_as(entry, ROOT / name))
            print(name, name, wanted[name])
(cache / "compile_commands.json").write_text(json.dumps(commands, indent=1))

missing = sorted(set(wanted) - compiled)
for name in missing:
    print(f"lint: {name} is compiled by no target of {build}", file=sys.stderr)
sys.exit(1 if missing else 0)
