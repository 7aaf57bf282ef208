#!/bin/sh
# Fetches Celery from PyPI into a folder of the build, for the test of examples/celery; nothing is installed.
#   scripts/fetch-celery.sh [FOLDER]     prints the folder, a PYTHONPATH; it defaults to ./build/celery
# Nothing that users run needs it. Exit code 1, with the reason, when it cannot be had.
set -eu
folder=${1:-build/celery}
packages="celery[redis]==5.7.0"
also="async-timeout==5.0.1"  # what Celery's client needs with Debian 12's Python, which runs it in the test
fail() { echo "fetch-celery: $1" >&2; exit 1; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$packages" ]; then echo "$folder"; exit 0; fi
python3 -m pip --version >/dev/null 2>&1 || fail "pip is not installed (package python3-pip)"
said=$(timeout 600 python3 -m pip install -q --disable-pip-version-check --no-warn-script-location --root-user-action=ignore --upgrade \
  --target "$folder" "$packages" "$also" 2>&1) || fail "cannot fetch $packages from PyPI: $(echo "$said" | tail -n 1)"
echo "$packages" >"$folder/fetched"
echo "$folder"
