#!/bin/bash
# Holds what the program says of itself against the man page and the completion: every command, every flag.
set -euo pipefail
docktor=$1
here=$(dirname "$0")
man=$(sed 's/\\-/-/g' "$here/docktor.1")
failed=0
missing() { echo "missing: $*" >&2; failed=1; }

# shellcheck source=/dev/null
source "$here/docktor.bash"
completed() {  # what is offered after these words
  COMP_WORDS=(docktor "$@" '')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  _docktor
  printf '%s\n' "${COMPREPLY[@]}"
}

look_at() {
  local help offered name
  help=$("$docktor" "$@" --help)
  offered=$(completed "$@")
  while read -r flag; do
    grep -qx -e "$flag" <<<"$offered" || missing "completion of 'docktor $*': $flag"
    grep -qF -e "$flag" <<<"$man" || missing "docktor.1: $flag (docktor $*)"
  done < <(grep -oE '^ +(-[a-z],)?--[a-z-]+' <<<"$help" | grep -oE -e '--[a-z-]+')
  while read -r name; do
    grep -qx "$name" <<<"$offered" || missing "completion of 'docktor $*': $name"
    grep -qE "^\.B(R? \"?)(docktor )?${*:+$* }$name" <<<"$man" || missing "docktor.1: command '${*:+$* }$name'"
    look_at "$@" "$name"
  done < <(awk '/^Subcommands:/ { inside = 1; next } /^[^ ]/ { inside = 0 } inside && /^  [a-z]/ { print $1 }' <<<"$help")
}
look_at

# Names of services come from the configuration.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf 'version: "1"\nservices:\n  - name: consumer\n    min_replicas: 1\n  - name: "mailer"\nllm:\n  - name: nobody\n' >"$folder/docktor.yaml"
cd "$folder"
COMP_WORDS=(docktor resume '') COMP_CWORD=2
_docktor
[[ " ${COMPREPLY[*]} " == *" consumer mailer "* && " ${COMPREPLY[*]} " != *nobody* ]] || missing "services: ${COMPREPLY[*]}"
COMP_WORDS=(docktor daemon status --config docktor.yaml --service c) COMP_CWORD=6
_docktor
[[ ${COMPREPLY[*]} == consumer ]] || missing "service by prefix: ${COMPREPLY[*]}"
# Behind a command's own words its flags are still offered; for a number nothing is, for one of a few these.
[[ " $(completed pause consumer | tr '\n' ' ') " == *" --for "* ]] || missing "flags behind 'docktor pause consumer'"
[[ -z $(completed web --port) ]] || missing "nothing is offered for a port: $(completed web --port)"
[[ $(completed demo --queue | tr '\n' ' ') == "nats redis rabbitmq kafka " ]] || missing "queues of the demo: $(completed demo --queue)"
exit $failed
