# bash completion for docktor: commands, flags, files, and the services of the configuration.
# docktor.bash is written by the build target command_reference, from docktor.bash.in and src/app/command_table.cc: change it there.

# The services' names in the configuration that the command line names, else in the working directory's.
_docktor_services() {
  local file=$1
  if [[ -z $file ]]; then
    for file in docktor.yaml docktor.yml; do [[ -r $file ]] && break; done
  fi
  [[ -r $file ]] || return 0
  awk '
    /^services:/ { inside = 1; next }
    /^[^ #-]/ { inside = 0 }
    /^service:[ ]/ { print clean($2) }
    inside && match($0, /^[ ]*-[ ]+(\{[ ]*)?name:[ ]*/) { rest = substr($0, RLENGTH + 1); sub(/[ ,}#].*/, "", rest); print clean(rest) }
    function clean(text) { gsub(/["'\'']/, "", text); return text }' "$file" 2>/dev/null
}

_docktor() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' config='' words='' i word
  COMPREPLY=()
  # "--config=file" arrives as three words.
  if [[ $cur == "=" ]]; then cur=''; fi
  if [[ $prev == "=" ]]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      -c | --config)
        config=${COMP_WORDS[i + 1]}
        if [[ $config == "=" ]]; then config=${COMP_WORDS[i + 2]}; ((i++)); fi
        ((i++))
        ;;
      --base-url | --begins | --capacity | --clump | --compose-file | --config | --cv | --dry-run | --fault | --for | \
        --from-journal | --interval | --journal | --last | --max-wait | --policy | --port | --prefetch | --provider | --queue | \
        --reason | --report | --seconds | --seeds | --service | --shape | --start-up | --start-up-deviation | --svg | --tail | \
        --trace | --worker | -c | -n | -p | -s) ((i++)) ;;
      -*) ;;
      *) command=${command:+$command }$word ;;
    esac
  done
  case $prev in
    -c | --config | --compose-file)
      mapfile -t COMPREPLY < <(compgen -f -X '!*.@(yaml|yml)' -- "$cur"; compgen -d -S / -- "$cur")
      compopt -o nospace 2>/dev/null
      return
      ;;
    --compose-file | --config | --from-journal | --journal | --report | --svg | --trace | -c)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      compopt -o filenames 2>/dev/null
      return
      ;;
    --service | -s)
      mapfile -t COMPREPLY < <(compgen -W "$(_docktor_services "$config")" -- "$cur")
      return
      ;;
    --dry-run)
      mapfile -t COMPREPLY < <(compgen -W "$(_docktor_services "$config") --config --foreground --wait-ready" -- "$cur")
      return
      ;;
    --provider) mapfile -t COMPREPLY < <(compgen -W 'dmr openai' -- "$cur"); return ;;
    --queue) mapfile -t COMPREPLY < <(compgen -W 'nats redis rabbitmq kafka' -- "$cur"); return ;;
    --base-url | --begins | --capacity | --clump | --compose-file | --config | --cv | --dry-run | --fault | --for | \
        --from-journal | --interval | --journal | --last | --max-wait | --policy | --port | --prefetch | --provider | --queue | \
        --reason | --report | --seconds | --seeds | --service | --shape | --start-up | --start-up-deviation | --svg | --tail | \
        --trace | --worker | -c | -n | -p | -s) return ;;
  esac

  case $command in
    '') words="daemon config explain scale pause resume set-bounds proposals approve reject mcp top savings notify web demo decide simulate eval ai chat health --version --help" ;;
    'daemon') words="start stop status logs reload --help" ;;
    'daemon start' | 'daemon start '*) words="--help --config --service --interval --compose-file --foreground --manual --dry-run --wait-ready" ;;
    'daemon stop' | 'daemon stop '*) words="--help --config --replicas" ;;
    'daemon status' | 'daemon status '*) words="--help --config --service --json" ;;
    'daemon logs' | 'daemon logs '*) words="--help --config --service --tail --changes --no-follow" ;;
    'daemon reload' | 'daemon reload '*) words="--help --config" ;;
    'config') words="validate schema list-models set-model --help" ;;
    'config validate' | 'config validate '*) words="--help --config --service --compose-file --offline" ;;
    'config schema' | 'config schema '*) words="--help" ;;
    'config list-models' | 'config list-models '*) words="--help --config --provider --base-url" ;;
    'config set-model' | 'config set-model '*) words="--help --config --provider --base-url" ;;
    'explain' | 'explain '*) words="--help --config --tail --service --changes --json" ;;
    'scale' | 'scale '*) words="--help --config --for --reason $(_docktor_services "$config")" ;;
    'pause' | 'pause '*) words="--help --config --for --reason $(_docktor_services "$config")" ;;
    'resume' | 'resume '*) words="--help --config $(_docktor_services "$config")" ;;
    'set-bounds' | 'set-bounds '*) words="--help --config --reset --for $(_docktor_services "$config")" ;;
    'proposals' | 'proposals '*) words="--help --config --service --json" ;;
    'approve' | 'approve '*) words="--help --config" ;;
    'reject' | 'reject '*) words="--help --config --reason" ;;
    'mcp' | 'mcp '*) words="--help --config --allow-actions" ;;
    'top' | 'top '*) words="--help --config --act" ;;
    'savings' | 'savings '*) words="--help --config --service --last --capacity --json" ;;
    'notify') words="test --help" ;;
    'notify test' | 'notify test '*) words="--help --config --json" ;;
    'web' | 'web '*) words="--help --config --port" ;;
    'demo' | 'demo '*) words="--help --seconds --queue" ;;
    'decide' | 'decide '*) words="--help --config --service" ;;
    'simulate' | 'simulate '*) words="--help --config --service --trace --shape --begins --from-journal --policy --max-wait --capacity --start-up --start-up-deviation --cv --prefetch --worker --clump --exact --fault --seeds --tuned --no-optimum --details --report --svg --json" ;;
    'eval' | 'eval '*) words="--help --config --service --tail --journal --capacity --start-up --json" ;;
    'ai') words="up --help" ;;
    'ai up' | 'ai up '*) words="--help --config --autonomous --headless --debug --no-install --skip-compose" ;;
    'chat' | 'chat '*) words="--help --config --autonomous --headless --debug --no-install --skip-compose" ;;
    'health' | 'health '*) words="--help --config" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _docktor docktor
