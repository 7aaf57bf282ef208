#!/bin/sh
# scripts/check-size.py finds a file, a function and a class that are too large, and nothing in what is as large as allowed.
set -eu
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
lines() { seq "$1" | sed 's/.*/  step("{");/'; }
file() { # LINES of a function, METHODS of a class
  {
    echo 'struct Part {'
    seq "$2" | sed 's/.*/  int method&(int of = 0) const;/'
    printf '  Part() : at_{1} {}\n  Part(const Part&) = delete;\n  std::function<void(int)> done;\n  int at_ = f(2);\n};\n\n'
    printf 'Result<int> Part::act(const std::function<void()>& done) const {\n'
    lines $(($1 - 2))
    printf '}\n'
  } >"$tree/part.cc"
}
check() { "$(dirname "$0")/../scripts/check-size.py" "$tree"; }
fails() { # WORDS that it must say
  if said=$(check); then echo "nothing found: $1" >&2; exit 1; fi
  case $said in *"$1"*) ;; *) echo "not told: $1, but: $said" >&2; exit 1 ;; esac
}

file 80 20
check
file 81 20
fails '81 lines, at most 80 are allowed: Result<int> Part::act('
file 80 21
fails 'class Part has 21 methods, at most 20 are allowed'
file 80 20
for i in 1 2 3 4 5 6; do printf 'void step%s() {\n%s\n}\n' "$i" "$(lines 70)"; done >>"$tree/part.cc"
fails 'part.cc: 5'
