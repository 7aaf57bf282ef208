#!/bin/sh
# Fetches a package from PyPI, and what it and the further ones need, into a folder, for tests; nothing is installed.
#   scripts/fetch-pypi.sh FOLDER PACKAGE [PACKAGE...]     prints the folder, a PYTHONPATH; its file `fetched` has the first package's name
# Nothing that users run needs it. Exit code 1, with the reason, when it cannot be had.
set -eu
folder=$1
shift
fail() { echo "fetch-pypi: $1" >&2; exit 1; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$1" ]; then echo "$folder"; exit 0; fi
python3 -m pip --version >/dev/null 2>&1 || fail "pip is not installed (package python3-pip)"
said=$(timeout 600 python3 -m pip install -q --disable-pip-version-check --no-warn-script-location --root-user-action=ignore --upgrade \
  --target "$folder" "$@" 2>&1) || fail "cannot fetch $1 from PyPI: $(echo "$said" | tail -n 1)"
echo "$1" >"$folder/fetched"
echo "$folder"
