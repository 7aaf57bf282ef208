#!/bin/sh
# Every file of the build folder that an install rule copies is an input of the target `installed`, or was written when the folder was configured,
# and `make install` builds that target before it installs.
set -eu
build=$1 source=$2
inputs=$(ninja -C "$build" -t query packaging/installed | sed 's/^ *//; s/^|* *//')
copied=$(grep -rho --include=cmake_install.cmake "\"$build/[^\"]*\"" "$build" | tr -d '"' | grep -v 'cmake_install\.cmake$\|install_manifest\|INSTALL_MANIFEST\|install_local' | sed 's/\.so\..*/.so/' | sort -u)
test -n "$copied"
bad=0
for file in $copied; do
  relative=${file#"$build"/}
  case $relative in
    packaging/*) ;; # made by CMake itself
    *)
      if ! printf '%s\n' "$inputs" | grep -qxF -e "$relative" -e "$file"; then echo "$relative is installed and not built by 'installed'" >&2; bad=1; fi ;;
  esac
done
recipe=$(make -C "$source" -n install BUILD="$build" | grep -n -e '--target installed' -e 'cmake --install')
case $recipe in
  *"--target installed"*"cmake --install"*) ;;
  *) echo "make install does not build what it installs: $recipe" >&2; bad=1 ;;
esac
exit $bad
