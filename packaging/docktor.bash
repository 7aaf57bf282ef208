# bash completion for docktor: commands, flags, files, and the services of the configuration.

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
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' config='' i word
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
      --for | --last | --reason | -s | --service | -n | --tail | --interval | --compose-file | --seconds | --trace | --shape | --from-journal | --begins | --policy | \
        --max-wait | --capacity | --start-up | --start-up-deviation | --cv | --worker | --provider | --base-url | --journal | --prefetch | --clump | --fault | --seeds | \
        --report | --svg) ((i++)) ;;
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
    -s | --service)
      mapfile -t COMPREPLY < <(compgen -W "$(_docktor_services "$config")" -- "$cur")
      return
      ;;
    --trace | --from-journal | --report | --svg)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      compopt -o filenames 2>/dev/null
      return
      ;;
    --for | --last | --reason | --base-url | --interval | --tail | -n | --seconds | --shape | --policy | --max-wait | --capacity | --start-up | --start-up-deviation | \
      --cv | --worker | --prefetch | --clump | --fault | --seeds) return ;;
    --dry-run)
      mapfile -t COMPREPLY < <(compgen -W "$(_docktor_services "$config") --config --foreground --wait-ready" -- "$cur")
      return
      ;;
    --queue)
      mapfile -t COMPREPLY < <(compgen -W 'nats redis rabbitmq kafka' -- "$cur")
      return
      ;;
    --provider)
      mapfile -t COMPREPLY < <(compgen -W 'dmr openai' -- "$cur")
      return
      ;;
    --journal)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
      ;;
  esac

  local words=''
  case $command in
    '') words='daemon config explain scale pause resume set-bounds proposals approve reject mcp web top savings notify decide simulate demo eval ai chat health --help --version' ;;
    daemon) words='start stop status logs reload --help' ;;
    config) words='validate list-models set-model --help' ;;
    'config list-models' | 'config set-model') words='--config --provider --base-url --help' ;;
    eval) words='--config --service --tail --journal --capacity --start-up --json --help' ;;
    ai) words='up --help' ;;
    'ai up' | chat) words='--config --autonomous --headless --debug --no-install --skip-compose --help' ;;
    'daemon start') words='--config --service --interval --compose-file --manual --dry-run --foreground --wait-ready --help' ;;
    'daemon stop') words='--config --replicas --help' ;;
    'daemon status') words='--config --service --json --help' ;;
    'daemon logs') words='--config --service --tail --changes --no-follow --help' ;;
    'daemon reload' | health) words='--config --help' ;;
    decide) words='--config --service --help' ;;
    simulate)
      words='--config --service --trace --shape --from-journal --begins --policy --max-wait --capacity --start-up'
      words+=' --start-up-deviation --cv --prefetch --worker --clump --exact --fault --seeds --tuned --no-optimum --details --report --svg'
      words+=' --json --help'
      ;;
    'config validate') words='--config --service --compose-file --offline --help' ;;
    explain) words='--config --service --tail --changes --json --help' ;;
    resume) words="--config --help $(_docktor_services "$config")" ;;
    pause | scale) words="--config --for --reason --help $(_docktor_services "$config")" ;;
    set-bounds) words="--config --for --reset --help $(_docktor_services "$config")" ;;
    proposals) words='--config --service --json --help' ;;
    approve) words='--config --help' ;;
    reject) words='--config --reason --help' ;;
    mcp) words='--config --allow-actions --help' ;;
    web) words='--config --port --help' ;;
    top) words='--config --act --help' ;;
    savings) words='--config --service --last --capacity --json --help' ;;
    notify) words='test --help' ;;
    'notify test') words='--config --json --help' ;;
    demo) words='--queue --seconds --help' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _docktor docktor
