#!/bin/bash
# `make install` with PREFIX and DESTDIR: everything is where it belongs, and the installed pieces find each other.
set -euo pipefail
build=$1
here=$(dirname "$0")
folder=$(mktemp -d)
# The manifest is the user's own, from his last `make install`: it is put back.
manifest=$build/install_manifest.txt
if [ -e "$manifest" ]; then cp -p "$manifest" "$folder/manifest"; fi
restore() {
  rm -f "$manifest"
  if [ -e "$folder/manifest" ]; then cp -p "$folder/manifest" "$manifest"; fi
  rm -rf "$folder"
}
trap restore EXIT
fail() { echo "$*" >&2; exit 1; }

DESTDIR=$folder/stage cmake --install "$build" --prefix /opt/docktor >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
root=$folder/stage/opt/docktor
for file in bin/docktor lib/docktor/producer lib/docktor/consumer share/docktor/demo/docktor.yaml share/docktor/demo/docktor-redis.yaml share/docktor/demo/worker.py share/docktor/prometheus/docktor.rules.yaml share/docktor/grafana/docktor.json share/man/man1/docktor.1 \
  share/bash-completion/completions/docktor lib/systemd/system/docktor.service; do
  [ -s "$root/$file" ] || fail "not installed: $file"
done
"$root/bin/docktor" --version | grep -q '^docktor [0-9]' || fail "the installed docktor does not run"
unit=$root/lib/systemd/system/docktor.service
grep -q '^ExecStart=/opt/docktor/bin/docktor daemon start --foreground' "$unit" || fail "the unit does not name the installed binary"
grep -q '@' "$unit" && fail "the unit has an unfilled place"
grep -qx 'KillMode=process' "$unit" || fail "the unit would stop the workers with docktor"
if command -v systemd-analyze >/dev/null && [ -z "${SKIP_SYSTEMD_ANALYZE:-}" ]; then
  # It wants to see the binary where the unit names it.
  sed "s|/opt/docktor|$root|" "$unit" >"$folder/docktor.service"
  problems=$(systemd-analyze verify --man=no "$folder/docktor.service" 2>&1 | grep -E 'docktor\.service' || true)
  [ -z "$problems" ] || fail "$problems"
fi
if command -v man >/dev/null && command -v groff >/dev/null; then
  problems=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=100 man --warnings -E UTF-8 -l -Tutf8 -Z "$root/share/man/man1/docktor.1" 2>&1 >/dev/null || true)
  [ -z "$problems" ] || fail "$problems"
fi
bash -n "$root/share/bash-completion/completions/docktor"

# Installed twice over itself: an upgrade while a daemon runs replaces, never writes into, the binary.
DESTDIR=$folder/stage cmake --install "$build" --prefix /opt/docktor >/dev/null
# What was installed is what is taken away again.
DESTDIR=$folder/stage PREFIX=/opt/docktor "$here/../scripts/uninstall.sh" "$manifest"
left=$(find "$folder/stage" -type f)
[ -z "$left" ] || fail "left after make uninstall: $left"
