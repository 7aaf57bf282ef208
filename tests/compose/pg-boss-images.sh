#!/bin/bash
# Makes what the pg-boss example takes from a registry, of what this machine has: docktor-test/postgres, which takes the
# variables of the official image, and docktor-test/node, whose npm brings the packages that the tests have fetched.
#   tests/compose/pg-boss-images.sh JOB_FRAMEWORKS      the folder that scripts/fetch-job-frameworks.sh fills; needs a Docker
#                                                       with the image docktor-test/base. Ends with 77 where something is missing.
set -euo pipefail
frameworks=$1
postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1 || true)
[ -n "$postgres" ] || { echo "no PostgreSQL under /usr/lib/postgresql" >&2; exit 77; }
[ -e "$frameworks/node22" ] || { echo "no $frameworks/node22: scripts/fetch-job-frameworks.sh" >&2; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The C library is the image's own.
libraries() { ldd "$@" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u | grep -Ev '/(libc|libm|libdl|librt|libpthread)\.so'; }

share=/usr/share/postgresql/$(basename "$(dirname "$postgres")") extensions=$(dirname "$postgres")/lib
mkdir -p "$work/postgres"/root/{made/lib,"$postgres","$(dirname "$share")","$extensions"} "$work/node"/root/{made/modules,usr/bin}
cp "$postgres"/{postgres,initdb,pg_isready} "$work/postgres/root$postgres"
cp -L "$extensions"/{dict_snowball,plpgsql}.so "$work/postgres/root$extensions"
cp -r "$share" "$work/postgres/root$share"
cp -L $(libraries "$postgres"/{postgres,initdb,pg_isready}) "$work/postgres/root/made/lib"
cat >"$work/postgres/root/made/start" <<'END'
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
chmod 755 "$work/postgres/root/made/start"
printf 'FROM docktor-test/base\nCOPY root /\nRUN useradd -r postgres\nENV PATH=%s:/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=/made/lib TZ=UTC\nCMD ["/made/start"]\n' \
  "$postgres" >"$work/postgres/Dockerfile"

cp -L "$frameworks/node22" "$work/node/root/usr/bin/node"
for package in "$frameworks"/node_modules/*; do
  case $(basename "$package") in node-* | pg-boss | pg-boss-11 | graphile* | @graphile) ;; *) cp -r "$package" "$work/node/root/made/modules" ;; esac
done
mv "$work/node/root/made/modules/pg-boss-12" "$work/node/root/made/modules/pg-boss"
printf '#!/bin/sh\n[ "$1" = install ] && exec cp -r /made/modules ./node_modules\n' >"$work/node/root/usr/bin/npm"
chmod 755 "$work/node/root/usr/bin/npm"
printf 'FROM docktor-test/base\nCOPY root /\n' >"$work/node/Dockerfile"
docker build -q -t docktor-test/postgres "$work/postgres"
docker build -q -t docktor-test/node "$work/node"
