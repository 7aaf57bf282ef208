#!/bin/sh
# Removes the files that the last `make install` with the same PREFIX and DESTDIR put there, and folders of ours that are empty then.
set -eu
manifest=$1
if [ ! -r "$manifest" ]; then echo "uninstall: no $manifest; 'make install' writes it" >&2; exit 1; fi
{ cat "$manifest"; echo; } | while read -r file; do
  case $file in
    "${PREFIX}"/*) rm -f "${DESTDIR:-}$file" ;;
    "") ;;
    *) echo "uninstall: $file is not under PREFIX=$PREFIX; left alone" >&2 ;;
  esac
done
for folder in include/docktor lib/cmake/docktor lib/docktor share/docktor/demo share/docktor/prometheus share/docktor/grafana share/docktor share/doc/docktor; do
  rmdir "${DESTDIR:-}$PREFIX/$folder" 2>/dev/null || true
done
