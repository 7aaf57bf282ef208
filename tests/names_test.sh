#!/bin/sh
# scripts/check-names.py finds a function that would be taken for another's, and nothing where there is none.
set -eu
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/src/part"
cat >"$tree/src/part/text.h" <<END
namespace docktor {
std::string text_at(const json& j, std::string_view pointer);
}  // namespace docktor
END
file() { # NAME, what is in the unnamed namespace, what follows
  printf '#include "part/text.h"\nnamespace docktor {\nnamespace {\n\n%s\n\n}  // namespace\n\n%s\n\n}  // namespace docktor\n' "$2" "$3" >"$tree/src/part/$1"
}
fails() { # WORDS that it must say
  if said=$("$(dirname "$0")/../scripts/check-names.py" "$tree"); then echo "nothing found: $1" >&2; exit 1; fi
  case $said in *"$1"*) ;; *) echo "not told: $1, but: $said" >&2; exit 1 ;; esac
}
uses='std::string shown(const json& j) {
  return text_at(j, "/Name");
}'

file address.cc 'int length() { return 1; }' "$uses"
file endpoint.cc 'int width() { return 1; }' ''
"$(dirname "$0")/../scripts/check-names.py" "$tree"

file endpoint.cc 'std::string text_at(const json& j, const char* key) {
  return "";
}' ''
fails 'text_at() in the unnamed namespace of endpoint.cc, and of a header, called in address.cc'

file endpoint.cc 'long length(int of) { return of; }' ''
fails 'length() in the unnamed namespace of address.cc, endpoint.cc'
