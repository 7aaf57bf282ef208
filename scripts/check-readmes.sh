#!/bin/bash
# Checks that each folder has a README.md that says what it is. A single file speaks for itself, and seeds of fuzzing are data.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -co --exclude-standard ':!tests/fuzz/corpus/*/*' | awk -F/ '
  { folder = $1; for (i = 2; i <= NF; i++) { if (!seen[folder "/" $i]++) entries[folder]++; folder = folder "/" $i } }
  END { for (folder in entries) if (entries[folder] > 1) print folder }' | sort | while read -r folder; do
  if [ ! -e "$folder/README.md" ]; then echo "$folder has no README.md"; fi
done | { ! grep .; }
