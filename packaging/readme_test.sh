#!/bin/bash
# The configurations that README.md shows are accepted as they stand there.
set -euo pipefail
docktor=$1
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '#!/bin/sh\n' >worker
chmod +x worker
block() { awk -v n="$1" '/^```yaml/ { ++seen; inside = seen == n; next } /^```/ { inside = 0 } inside' "$root/README.md"; }

block 1 >docktor.yaml
grep -q scale_up_when docktor.yaml || { echo "README.md: its first yaml block is not the configuration with rules" >&2; exit 1; }
"$docktor" config validate --offline

objective=$(block 2)
[[ $objective == *objective:* ]] || { echo "README.md: its second yaml block is not the objective" >&2; exit 1; }
mv docktor.yaml rules.yaml
awk -v objective="$objective" '/^    rules:/ { print objective; skip = 1; next } skip && /^      / { next } { skip = 0; print }' rules.yaml >docktor.yaml
"$docktor" config validate --offline

# Every page that it names is there.
grep -oE '\]\([^)#]+' "$root/README.md" "$root/docs/operations.md" | while IFS=: read -r page link; do
  [ -e "$(dirname "$page")/${link#](}" ] || { echo "${page#"$root"/} names ${link#](}, which is not there" >&2; exit 1; }
done

# Every whole configuration of the pages, but for the files with secrets that it names.
for page in "$root"/docs/*.md; do
  for ((n = 1; n <= $(grep -c '^```yaml' "$page" || true); ++n)); do
    awk -v n="$n" '/^```yaml/ { ++seen; inside = seen == n; next } /^```/ { inside = 0 } inside' "$page" >docktor.yaml
    grep -q '^services:' docktor.yaml || continue
    if ! said=$("$docktor" config validate --offline 2>&1); then
      wrong=$(grep -v -e 'cannot be read: No such file' -e '^✗' <<<"$said" || true)
      [ -z "$wrong" ] || { echo "${page#"$root"/}, yaml block $n: $wrong" >&2; exit 1; }
    fi
  done
done
