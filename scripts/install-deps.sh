#!/bin/sh
# Installs what is missing from Debian's packages, and only that; says nothing where nothing is missing.
#
#   scripts/install-deps.sh [--print] GROUP...     groups: build demo test lint bench docs docker
#
# As root it installs, else by sudo; where there is neither it prints the line to type and ends with 1.
# --print only prints the missing packages. A package may name the command that makes it unnecessary, as package?command:
# a Docker or a NATS server that is already there, from wherever, is left alone.
set -eu

build="g++ cmake ninja-build pkg-config ccache
  libnats-dev librabbitmq-dev libhiredis-dev libpq-dev librdkafka-dev libhowardhinnant-date-dev libexpected-dev libcli11-dev nlohmann-json3-dev libyaml-cpp-dev libfmt-dev libspdlog-dev libcurl4-openssl-dev libssl-dev
  libmicrohttpd-dev zlib1g-dev"
demo="nats-server?nats-server"
test="libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev nats-server?nats-server rabbitmq-server python3-jsonschema python3-yaml python3-pika redis-server?redis-server redis-sentinel?redis-sentinel postgresql pgbouncer?pgbouncer python3-psycopg2
  python3-celery python3-rq python3-redis ruby-sidekiq php-cli php-redis php-pgsql php-illuminate-database php-illuminate-queue php-illuminate-redis php-illuminate-events php-illuminate-bus python3-confluent-kafka maven?mvn default-jre-headless?java openssl procps iproute2 ca-certificates
  clang-14 libclang-rt-14-dev npm?npm python3?python3 python3-pip?pip3
  python3-boto3 maven?mvn default-jre-headless?java prometheus?promtool curl?curl chromium?chromium tmux?tmux"
lint="clang-format-19 clang-tidy-19"
bench="libbenchmark-dev nats-server?nats-server"
docs="doxygen"
docker="docker.io?dockerd debootstrap?debootstrap iptables?iptables python3?python3"

PATH=$PATH:/usr/sbin:/sbin
only_print=
wanted=
for group in "$@"; do
  case $group in
    --print) only_print=1 ;;
    build) wanted="$wanted $build" ;;
    demo) wanted="$wanted $demo" ;;
    test) wanted="$wanted $test" ;;
    lint) wanted="$wanted $lint" ;;
    bench) wanted="$wanted $bench" ;;
    docs) wanted="$wanted $docs" ;;
    docker) wanted="$wanted $docker" ;;
    *) echo "install-deps: unknown group '$group'; groups are build demo test lint bench docs docker" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "install-deps: this is not a Debian system; install by other means what these packages hold:$(echo $wanted | sed 's/?[^ ]*//g; s/^/ /')" >&2
  exit 0
fi

have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
missing=
for entry in $wanted; do
  package=${entry%%\?*}
  case $entry in
    *\?*) if command -v "${entry#*\?}" >/dev/null 2>&1; then continue; fi ;;
  esac
  case " $missing " in *" $package "*) continue ;; esac
  if ! printf '%s\n' "$have" | grep -qx "$package"; then missing="${missing:+$missing }$package"; fi
done
if [ -n "$only_print" ]; then
  if [ -n "$missing" ]; then echo "$missing"; fi
  exit 0
fi
if [ -z "$missing" ]; then exit 0; fi

if [ "$(id -u)" = 0 ]; then
  as_root="env"
elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
  as_root="sudo env"
else
  echo "These Debian packages are missing, and installing them needs root. Type this as root, then try again:" >&2
  echo "  apt-get update && apt-get install -y --no-install-recommends $missing" >&2
  exit 1
fi

log=$(mktemp)
# A package's own service (a NATS server on the public port, a Docker daemon) must not start on this machine by our doing:
# where there is no policy yet, we lay one down for as long as the installation takes (it forbids only while we live).
policy=
if [ ! -e /usr/sbin/policy-rc.d ]; then
  policy=/usr/sbin/policy-rc.d
  printf '#!/bin/sh\n[ -d /proc/%d ] && exit 101\nexit 0\n' $$ | $as_root tee $policy >/dev/null
  $as_root chmod 755 $policy
fi
done_with() {
  rm -f "$log"
  if [ -n "$policy" ]; then $as_root rm -f "$policy"; fi
}
trap done_with EXIT
trap 'exit 130' INT TERM HUP

apt() {
  $as_root DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
    -o Acquire::Retries=3 "$@" </dev/null 2>&1 | tee -a "$log" | awk -v tty="$([ -t 2 ] && echo 1 || echo 0)" '
      /^(Get|Hit):/ { ++got } /^Setting up / { ++set_up }
      tty { printf "\r  %d fetched, %d set up ", got, set_up > "/dev/stderr" }
      END { if (tty) printf "\r\033[K" > "/dev/stderr" }'
  ! grep -Eq '^(E|Err):' "$log"
}
install() { : >"$log"; apt install -y -q --no-install-recommends $missing; }

echo "Installing from Debian: $missing" >&2
known=yes
for package in $missing; do
  if ! apt-cache show "$package" >/dev/null 2>&1; then known=; fi
done
if [ -z "$known" ] || ! install; then
  : >"$log"
  if ! apt update -q; then echo "install-deps: apt-get update had trouble; going on:" >&2; grep -E '^(E|W|Err):' "$log" >&2 || true; fi
  if ! install; then
    echo "install-deps: apt-get could not install the packages above; its last words:" >&2
    tail -n 15 "$log" >&2
    exit 1
  fi
fi
if [ -n "$policy" ] && [ -d /run/systemd/system ]; then
  case " $missing " in *" nats-server "*) $as_root systemctl disable nats-server >/dev/null 2>&1 || true ;; esac
fi
echo "Installed." >&2
