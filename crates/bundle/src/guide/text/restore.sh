#!/bin/sh
# Brings @LOCAL_DOMAIN@ back on Debian or Ubuntu by stock tools alone: psql and pg_restore, age, sha256sum, cp.
# RESTORE.md tells what to do before and after. Run it in the bundle's folder, as the user that Mastodon runs as, who may create databases.
set -eu
umask 077

usage() {
  cat <<'TEXT'
usage: sh restore.sh [--check] [--database NAME] [--role NAME] [--live DIR] [--identity FILE] [--jobs N]

  --check          only compare every file with its digest; nothing is changed
  --database NAME  the database to make (default: mastodon_production); PGHOST, PGPORT, PGUSER and the like are heeded
  --role NAME      who owns it, made if missing (default: mastodon)
  --live DIR       Mastodon's folder, for .env.production and public/system (default: /home/mastodon/live)
  --identity FILE  the key that opens the bundle; without it age asks, twice, for the recovery phrase (its words with a hyphen
                   between two: one-two-three) or the passphrase
  --jobs N         load the database by N jobs; the dump is then decrypted to a file beside it for that time
TEXT
}

CHECK= DATABASE=mastodon_production ROLE=mastodon LIVE=/home/mastodon/live IDENTITY= JOBS=
while [ $# -gt 0 ]; do
  case $1 in
    --check) CHECK=1; shift; continue ;;
    --help | -h) usage; exit 0 ;;
    --database | --role | --live | --identity | --jobs) [ $# -ge 2 ] || { usage >&2; exit 2; } ;;
    *) usage >&2; exit 2 ;;
  esac
  case $1 in
    --database) DATABASE=$2 ;;
    --role) ROLE=$2 ;;
    --live) LIVE=$2 ;;
    --identity) IDENTITY=$2 ;;
    --jobs) JOBS=$2 ;;
  esac
  shift 2
done

SEALED='@SEALED@'
DUMP=postgres/mastodon_production.dump$SEALED
SECRETS=env/secrets.env$SEALED

# A recovery phrase opens this key, and the key the rest.
[ -n "$IDENTITY" ] || [ ! -f env/recovery-key.age ] || IDENTITY=env/recovery-key.age

half() { fail "the database was not loaded whole: dropdb $DATABASE, then run this again"; }
say() { printf '%s\n' "$*"; }
fail() { printf 'restore.sh: %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: apt-get install $2"; }
# A file of the bundle that may be sealed, to standard output.
opened() {
  if [ -z "$SEALED" ]; then cat "$1"; elif [ -n "$IDENTITY" ]; then age -d -i "$IDENTITY" "$1"; else age -d "$1"; fi
}
quoted() { printf '"%s"' "$(printf %s "$1" | sed 's/"/""/g')"; }
literal() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

[ -f PREFLIGHT.json ] && [ -f "$DUMP" ] || fail "run it in the bundle's folder: PREFLIGHT.json and $DUMP are not here"
need sha256sum coreutils

say 'Comparing the files and the media with their digests'
sha256sum --quiet -c - <<'SUMS' || fail 'a file is not what it was when the bundle was made: fetch the bundle again'
@SUMS@
SUMS
media_sums() { sed -n 's/^{"key":"\([^"\\]*\)",.*"sha256":"\([0-9a-f]\{64\}\)".*/\2  media\/\1/p' media/INVENTORY.ndjson; }
listed=$(grep -c '' media/INVENTORY.ndjson || true)
checked=$(media_sums | grep -c '' || true)
[ "$checked" -eq 0 ] || media_sums | sha256sum --quiet -c - || fail 'a media file is not what it was when the bundle was made: fetch the bundle again'
[ "$listed" -eq "$checked" ] || say "$((listed - checked)) media files have names with quotes, which this script does not compare"
[ -z "$CHECK" ] || { say 'Everything is as it was.'; exit 0; }

need psql postgresql-client-@MAJOR@
need pg_restore postgresql-client-@MAJOR@
[ -z "$SEALED" ] || need age age
has=$(pg_restore --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
[ "$has" -ge @MAJOR@ ] || fail "pg_restore is of version $has, and the dump of @MAJOR@: apt-get install postgresql-client-@MAJOR@"
[ -d "$LIVE/public" ] || fail "$LIVE is not there: install Mastodon @VERSION@ first, or say where it is by --live"
[ ! -e "$LIVE/.env.production" ] || fail "$LIVE/.env.production is there already: move it away first, nothing has been changed"

[ -w "$LIVE" ] && [ -w "$LIVE/public" ] || fail "$LIVE can't be written by $(id -un): run this as the user that Mastodon runs as; nothing has been changed"
trap 'rm -f "$DUMP.open" "$LIVE/.env.production.part"' EXIT
trap 'exit 1' HUP INT TERM

say "Database $DATABASE"
role_known=$(sql -d postgres -c "select 1 from pg_catalog.pg_roles where rolname = $(literal "$ROLE")")
[ -n "$role_known" ] || sql -d postgres -c "create role $(quoted "$ROLE") login"
database_known=$(sql -d postgres -c "select 1 from pg_catalog.pg_database where datname = $(literal "$DATABASE")")
[ -n "$database_known" ] || createdb -T template0 -E UTF8 -O "$ROLE" "$DATABASE"
tables=$(sql -d "$DATABASE" -c "select count(*) from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')")
[ "$tables" -eq 0 ] || fail "database $DATABASE has $tables tables already: drop it, or name another by --database; nothing has been changed"
if [ -n "$JOBS" ]; then
  opened "$DUMP" >"$DUMP.open"
  pg_restore -Fc -j"$JOBS" -n public --no-owner --role="$ROLE" --exit-on-error -d "$DATABASE" "$DUMP.open" || half
else
  # The status of a pipe is its last command's: a dump that is not opened whole is not loaded whole, and pg_restore says so.
  opened "$DUMP" | pg_restore -Fc -n public --no-owner --role="$ROLE" --exit-on-error -d "$DATABASE" || half
fi
sql -d "$DATABASE" -c 'analyze'

say "Environment $LIVE/.env.production"
opened "$SECRETS" >"$LIVE/.env.production.part"
cat env/.env.production >>"$LIVE/.env.production.part"
mv "$LIVE/.env.production.part" "$LIVE/.env.production"

say "Media to $LIVE/public/system"
mkdir -p "$LIVE/public/system"
for class in accounts media_attachments custom_emojis site_uploads; do
  [ ! -d "media/$class" ] || cp -R "media/$class" "$LIVE/public/system/"
done
# nginx reads it, too.
chmod -R u=rwX,go=rX "$LIVE/public/system"

cat <<TEXT

The data of @LOCAL_DOMAIN@ is here. What is left, as RESTORE.md says:
  1. fill in what is commented out in $LIVE/.env.production (database, Redis, mail)
  2. start Mastodon @VERSION@, then: tootctl feeds build, and tootctl search deploy where search is used
  3. nginx (proxy/nginx.conf), certificates, and last the DNS of @WEB_DOMAIN@
TEXT
