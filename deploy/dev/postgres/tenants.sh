#!/bin/sh
# The tenants' PostgreSQL 17: sh tenants.sh ROOT DATA ADDRESS PORT, in mount and IPC namespaces of its own.
# All mounts end with the process; the root filesystem, which other stacks use too, is never written to.
set -eu
root=$1 data=$2 address=$3 port=$4
bin=/usr/lib/postgresql/17/bin
uid=$(awk -F: '$1 == "postgres" { print $3 ":" $4 }' "$root/etc/passwd")
chown "$uid" "$data"
chmod 700 "$data"
mount --bind "$data" "$root/var/lib/postgresql"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
chmod 1777 "$root/tmp" "$root/run"
run() { exec chroot --userspec="$uid" "$root" /usr/bin/env -i HOWDAH_STACK_NAME="$HOWDAH_STACK_NAME" LANG=C.UTF-8 "$@"; }
if [ ! -e "$data/pg/PG_VERSION" ]; then
  (run sh -c 'echo postgres >/tmp/password')
  (run $bin/initdb --no-sync --auth=scram-sha-256 --pwfile=/tmp/password --username=postgres --encoding=UTF8 \
    --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C.UTF-8 -D /var/lib/postgresql/pg)
  echo 'host all all all scram-sha-256' >>"$data/pg/pg_hba.conf"
fi
run $bin/postgres -D /var/lib/postgresql/pg -k /run -h "$address" -p "$port" -c max_connections=1000 -c shared_buffers=256MB \
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c dynamic_shared_memory_type=mmap
