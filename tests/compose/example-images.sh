#!/bin/bash
# Makes what an example takes from a registry, of what this machine has and the tests have fetched: docktor-test/postgres,
# docktor-test/redis, docktor-test/rabbitmq and docktor-test/kafka, which take the variables of the official images, docktor-test/node and
# docktor-test/python, whose npm and pip bring what was fetched, in the version that the example wants.
#   tests/compose/example-images.sh EXAMPLE BUILD       BUILD has the folders that scripts/fetch-*.sh fill; needs a Docker with the
#                                                       image docktor-test/base. Ends with 77 where something is missing.
set -euo pipefail
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

missing() { echo "$*" >&2; exit 77; }
fetched() { [ -e "$build/$1/fetched" ] || missing "no $build/$1: scripts/fetch-$1.sh"; }
# The C library is the image's own.
libraries() { ldd "$@" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u | grep -Ev '/(libc|libm|libdl|librt|libpthread)\.so'; }
bring_libraries() { mkdir -p "$1/made/lib"; cp -L $(libraries "${@:2}") "$1/made/lib"; }
image() {  # name, further lines of its Dockerfile; $work/NAME/root is its content, /made/start what it runs
  printf 'FROM docktor-test/base\nCOPY root /\n%s\n' "$2" >"$work/$1/Dockerfile"
  docker build -q -t "docktor-test/$1" "$work/$1"
}

postgres() {
  local bin root=$work/postgres/root share extensions
  bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1 || true)
  [ -n "$bin" ] || missing "no PostgreSQL under /usr/lib/postgresql"
  share=/usr/share/postgresql/$(basename "$(dirname "$bin")") extensions=$(dirname "$bin")/lib
  mkdir -p "$root"/{made,"$bin","$(dirname "$share")","$extensions"}
  cp "$bin"/{postgres,initdb,pg_isready} "$root$bin"
  cp -L "$extensions"/{dict_snowball,plpgsql}.so "$root$extensions"
  cp -r "$share" "$root$share"
  bring_libraries "$root" "$bin"/{postgres,initdb,pg_isready}
  cat >"$root/made/start" <<'END'
#!/bin/sh
set -e
data=/var/lib/postgresql/data
as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
mkdir -p "$data"
chown postgres "$data"
chmod 700 "$data"
if [ ! -e "$data/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" >/tmp/password
  chown postgres /tmp/password
  as initdb -D "$data" -U "$POSTGRES_USER" --pwfile=/tmp/password -A scram-sha-256 --no-sync --locale=C -E UTF8 >/dev/null
  echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
  echo "create database $POSTGRES_DB" | as postgres --single -j -D "$data" postgres >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups postgres -D "$data" -k /tmp -c listen_addresses='*' -c fsync=off -c jit=off
END
  chmod 755 "$root/made/start"
  image postgres "RUN useradd -r postgres
ENV PATH=$bin:/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=/made/lib TZ=UTC
CMD [\"/made/start\"]"
}

redis() {
  local root=$work/redis/root
  command -v redis-server >/dev/null || missing "no redis-server"
  mkdir -p "$root"/{made,usr/bin}
  cp -L "$(command -v redis-server)" "$(command -v redis-cli)" "$root/made"
  bring_libraries "$root" "$root"/made/redis-*
  # As the official image has it: whoever reaches its port may use it.
  printf '#!/bin/sh\nexec /made/redis-server "$@" --protected-mode no\n' >"$root/usr/bin/redis-server"
  chmod 755 "$root/usr/bin/redis-server"
  image redis "ENV PATH=/usr/bin:/bin:/made LD_LIBRARY_PATH=/made/lib
WORKDIR /data"
}

rabbitmq() {
  local root=$work/rabbitmq/root lib
  lib=$(ls -d /usr/lib/rabbitmq/lib/rabbitmq_server-* 2>/dev/null | tail -n 1 || true)
  [ -n "$lib" ] && [ -d /usr/lib/erlang ] || missing "no RabbitMQ under /usr/lib/rabbitmq"
  mkdir -p "$root"/{made,usr/lib,etc/rabbitmq,var/log/rabbitmq}
  cp -a /usr/lib/erlang /usr/lib/rabbitmq "$root/usr/lib"
  bring_libraries "$root" $(find /usr/lib/erlang -type f \( -name '*.so' -o -path '*/erts-*/bin/*' \))
  echo '[rabbitmq_management].' >"$root/etc/rabbitmq/enabled_plugins"
  cat >"$root/made/start" <<'END'
#!/bin/sh
printf 'loopback_users = none\ndefault_user = %s\ndefault_pass = %s\n' "$RABBITMQ_DEFAULT_USER" "$RABBITMQ_DEFAULT_PASS" >/etc/rabbitmq/rabbitmq.conf
exec rabbitmq-server
END
  chmod 755 "$root/made/start"
  image rabbitmq "ENV PATH=$lib/sbin:/usr/lib/erlang/bin:/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=/made/lib HOME=/root LANG=C.UTF-8 RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=\"+S 1:1\"
CMD [\"/made/start\"]"
}

kafka() {
  local root=$work/kafka/root java
  fetched kafka
  java=$(readlink -f "$(command -v java)") || missing "no java"
  java=${java%/bin/java}
  mkdir -p "$root"/{made/java,opt/kafka/bin}
  cp -rL "$java"/{bin,conf,lib} "$root/made/java" 2>/dev/null || true  # what dangles is of no use to anybody
  rm -rf "$root"/made/java/lib/src.zip
  bring_libraries "$root" $(find "$root/made/java" -type f \( -name '*.so' -o -name java \))
  cp -r "$build/kafka/lib" "$root/opt/kafka/libs"
  # As the official image has it: KAFKA_NODE_ID is node.id.
  cat >"$root/made/start" <<'END'
#!/bin/bash
env | sed -n 's/^KAFKA_//p' | while IFS='=' read -r name value; do name=${name,,}; echo "${name//_/.}=$value"; done >/tmp/server.properties
echo log.dirs=/tmp/kafka >>/tmp/server.properties
run() { java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp '/opt/kafka/libs/*' "$@"; }
run kafka.tools.StorageTool format -t ZG9ja3Rvci1pbi10ZXN0cw -c /tmp/server.properties &&
  exec java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp '/opt/kafka/libs/*' kafka.Kafka /tmp/server.properties
END
  # Nobody fetched the program: that the broker listens is what is asked.
  printf '#!/bin/bash\nexec 3<>/dev/tcp/localhost/9092\n' >"$root/opt/kafka/bin/kafka-topics.sh"
  chmod 755 "$root/made/start" "$root/opt/kafka/bin/kafka-topics.sh"
  image kafka "ENV PATH=/made/java/bin:/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=/made/java/lib:/made/java/lib/server:/made/lib
CMD [\"/made/start\"]"
}

node() {  # the folder with the modules that npm is to bring
  local root=$work/node/root its
  its=$build/job-frameworks/node22
  [ -e "$its" ] || its=$(command -v node) || missing "no node"
  mkdir -p "$root"/{made,usr/bin}
  cp -L "$its" "$root/usr/bin/node"
  cp -r "$1" "$root/made/modules"
  cat >"$root/usr/bin/npm" <<'END'
#!/bin/sh
[ "$1" = install ] && cp -r /made/modules ./node_modules && exec node -e '
  for (const [name, version] of Object.entries(require("./package.json").dependencies)) {
    const has = require(`./node_modules/${name}/package.json`).version;
    if (has !== version) throw new Error(`${name} ${has} was fetched, and the example wants ${version}`);
  }'
END
  chmod 755 "$root/usr/bin/npm"
  image node ""
}

python() {
  local root=$work/python/root
  fetched celery
  mkdir -p "$root"/{made,usr/bin}
  cp -r "$build/celery" "$root/made/celery"
  cat >"$root/usr/bin/pip" <<'END'
#!/bin/sh
for what; do :; done
if [ "$what" != "$(cat /made/celery/fetched)" ]; then echo "$(cat /made/celery/fetched) was fetched, and the example wants $what" >&2; exit 1; fi
to=$(python3 -c 'import sys; print("/usr/local/lib/python%d.%d/dist-packages" % sys.version_info[:2])')
mkdir -p "$to" && exec cp -r /made/celery/. "$to"
END
  chmod 755 "$root/usr/bin/pip"
  image python ""
}

pg_boss_modules() {
  fetched job-frameworks
  mkdir -p "$work/modules"
  for package in "$build"/job-frameworks/node_modules/*; do
    case $(basename "$package") in node-* | pg-boss | pg-boss-11 | graphile* | @graphile) ;; *) cp -r "$package" "$work/modules" ;; esac
  done
  mv "$work/modules/pg-boss-12" "$work/modules/pg-boss"
}

case $1 in
  pg-boss) pg_boss_modules; postgres; node "$work/modules" ;;
  bullmq) fetched bullmq; redis; node "$build/bullmq/node_modules" ;;
  celery) redis; python ;;
  rabbitmq) rabbitmq ;;
  kafka) kafka ;;
  *) echo "example-images: no images for example '$1'" >&2; exit 2 ;;
esac
