#!/bin/bash
# Checks that each folder of more than one file has a README.md that says what it is. Seeds of fuzzing are data.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -co --exclude-standard ':!tests/fuzz/corpus' | sed 's|/[^/]*$||; t; d' | sort | uniq -c | while read -r files folder; do
  if [ "$files" -gt 1 ] && [ ! -e "$folder/README.md" ]; then echo "$folder has no README.md"; fi
done | { ! grep .; }
