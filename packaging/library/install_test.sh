#!/bin/bash
# Installs the library into a folder and builds a small program outside the tree with each way of finding it: CMake and
# pkg-config, shared and static. Each must run; the shared library must show its public symbols and no others.
set -euo pipefail
build=$1 compiler=$2
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "$*" >&2; exit 1; }
quiet() { "$@" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; fail "failed: $*"; }; }

# Not `cmake --install` on the whole build: this test needs the library alone, and the manifest is the user's own.
quiet cmake -DCMAKE_INSTALL_PREFIX="$folder/usr" -P "$build/packaging/library/cmake_install.cmake"
root=$folder/usr
pc=$(find "$root" -name docktor.pc)
lib=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH=$lib/pkgconfig
so=$lib/libdocktor.so
[ -L "$so" ] || fail "no libdocktor.so for linking"
grep -q 'SONAME.*\[libdocktor\.so\.[0-9]*\.[0-9]*\]' <<<"$(readelf -d "$so")" || fail "the shared library has no soname"
shown=$(nm -DC --defined-only "$so" | cut -d' ' -f3- | sed 's/@.*//')
public='(Connection|Message|Provisioner|Requester|Subscription|ThreadProvisioner|adopt|set_up|start_provisioner)'
foreign=$(grep -vE "^(typeinfo (name )?for |vtable for )?docktor::$public\b" <<<"$shown" || true)
private=$(grep '::Impl::' <<<"$shown" || true)
[ -z "$private" ] || fail "the shared library shows what is behind its classes: $private"
[ -z "$foreign" ] || fail "the shared library shows what is not public: $foreign"
grep -q '^docktor::start_provisioner' <<<"$shown" || fail "the shared library hides start_provisioner"

cp -r "$here/outside" "$folder/outside"
cd "$folder/outside"
"$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I"$root/include" -x c++ - <<<'#include <docktor/docktor.h>' ||
  fail "the headers need something besides the standard library"

for kind in shared static; do
  quiet cmake -S . -B "cmake-$kind" -DCMAKE_PREFIX_PATH="$root" -DKIND="$kind" -DCMAKE_CXX_COMPILER="$compiler"
  quiet cmake --build "cmake-$kind"
  "./cmake-$kind/outside" || fail "the program found by CMake ($kind) does not run"
done
grep -q 'libdocktor\.so' <<<"$(ldd cmake-shared/outside)" || fail "the shared library is not used"
! grep -q 'libdocktor\.so' <<<"$(ldd cmake-static/outside)" || fail "the static library is not used"

quiet "$compiler" -std=c++20 outside.cc -o by-pc-shared $(pkg-config --cflags --libs docktor) -Wl,-rpath,"$lib"
./by-pc-shared || fail "the program found by pkg-config (shared) does not run"
# -ldocktor would take the shared one, which lies beside it.
quiet "$compiler" -std=c++20 outside.cc -o by-pc-static $(pkg-config --cflags docktor) \
  $(pkg-config --static --libs docktor | sed 's/-ldocktor/-l:libdocktor.a/')
./by-pc-static || fail "the program found by pkg-config (static) does not run"
! grep -q 'libdocktor\.so' <<<"$(ldd by-pc-static)" || fail "pkg-config's static program uses the shared library"
