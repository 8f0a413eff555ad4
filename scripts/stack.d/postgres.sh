# PostgreSQL: a cluster of its own in the stack's folder, TCP only (a socket's path may have 107 bytes, a
# checkout's can be longer), with and without TLS. All settings stand on its command line.
# It refuses to be root: root hands it and its data to the user postgres, or nobody.
# shellcheck shell=bash disable=SC2154 # dir, here, root and parts are set in scripts/stack

postgres_need() { need "PostgreSQL (server and psql)" postgresql postgresql-client -- postgres_found; }
postgres_ports() { printf '%s\n' postgres; }
postgres_address() { printf '127.0.0.1:%s' "$(port postgres)"; }
postgres_stop_signal() { printf INT; } # the fast shutdown: clients are cut off, data is in order

# Sets pg_bin. Debian keeps the server out of PATH, one folder a version: the newest.
postgres_found() {
  local candidate
  have psql || return 1
  for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(dirname "$(command -v postgres || printf /none)")"; do
    if [[ -x $candidate/postgres && -x $candidate/initdb ]]; then
      pg_bin=$candidate
      return
    fi
  done
  return 1
}

# Sets as_pg, the words in front of a command that drop root, and pg_user.
postgres_user() {
  as_pg=()
  pg_user=$(id -un)
  [[ $(id -u) == 0 ]] || return 0
  have setpriv || fail 3 "PostgreSQL refuses to run as root and setpriv (util-linux) is missing; install it, or run scripts/stack as another user."
  pg_user=postgres
  id -u postgres >/dev/null 2>&1 || pg_user=nobody
  as_pg=(setpriv --reuid="$pg_user" --regid="$(id -g "$pg_user")" --clear-groups --)
}

postgres_prepare() {
  local home=$dir/data/postgres data new
  postgres_user
  mkdir -p "$home"
  chown "$pg_user" "$home"
  chmod 700 "$home"
  "${as_pg[@]}" test -x "$home" ||
    fail 3 "PostgreSQL runs as the user $pg_user, who can't enter $dir; name a folder that is open to all in EVTOP_STACK_DIR, such as /var/tmp/evtop-stack."
  install -m 600 -o "$pg_user" "$dir/tls/server.key" "$home/server.key"
  data=$home/data new=$home/data.new
  postgres_forget_dead "$data/postmaster.pid"
  [[ ! -s $data/PG_VERSION ]] || return 0
  rm -rf "$new"
  secret postgres-admin >/dev/null
  install -m 600 -o "$pg_user" "$dir/secrets/postgres-admin" "$home/password"
  (cd "$home" && "${as_pg[@]}" "$pg_bin/initdb" -D "$new" -U postgres -A scram-sha-256 --pwfile=password \
    --encoding=UTF8 --locale=C.UTF-8) >"$dir/log/initdb.log" 2>&1 9>&- ||
    fail 1 "initdb failed: $(tail -n 3 "$dir/log/initdb.log")"
  rm "$home/password"
  mv "$new" "$data"
}

# PostgreSQL takes the pid in its lock file for a live server even if that is a zombie, and in a container
# where nobody reaps it stays one. Anything but a zombie is left for PostgreSQL to judge.
postgres_forget_dead() {
  local pid end=$((SECONDS + 5))
  read -r pid 2>/dev/null <"$1" || return 0
  while [[ $(stat_field "$pid" 3) == Z ]]; do
    ((SECONDS < end)) || { rm -f "$1"; return; }
    sleep 0.05
  done
}

postgres_run() {
  local home=$dir/data/postgres
  cd "$home" || return # the user may not enter the folder this was called from
  spawn postgres "${as_pg[@]}" "$pg_bin/postgres" -D "$home/data" -p "$(port postgres)" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c max_connections=200 -c max_prepared_transactions=10 \
    -c ssl=on -c ssl_cert_file="$dir/tls/server.crt" -c ssl_key_file="$home/server.key"
  cd "$root" || return
}

# psql as a role of the cluster. postgres_sql ROLE SECRET DATABASE SSLMODE SQL
postgres_sql() {
  PGPASSWORD=$(secret "$2") PGCONNECT_TIMEOUT=3 PGSSLMODE=$4 PGSSLROOTCERT=$dir/tls/ca.pem \
    timeout 10 psql -XqAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(port postgres)" -U "$1" -d "$3" <<<"$5" 2>/dev/null
}

# evtop may make further databases: a test wants one for itself.
postgres_settle() {
  local made
  made=$(postgres_sql postgres postgres-admin postgres disable \
    "SELECT count(*) FROM pg_database WHERE datname = 'evtop'") || return 1
  [[ $made == 1 ]] && return
  postgres_sql postgres postgres-admin postgres disable "
    DROP ROLE IF EXISTS evtop;
    CREATE ROLE evtop LOGIN CREATEDB PASSWORD '$(secret postgres)';
    CREATE DATABASE evtop OWNER evtop;"
}

postgres_answers() {
  [[ $(postgres_sql evtop postgres evtop disable 'SELECT 1') == 1 ]] &&
    [[ $(postgres_sql evtop postgres evtop verify-full 'SELECT 1') == 1 ]]
}

postgres_env() {
  say EVTOP_STACK_POSTGRES "postgres://evtop:$(secret postgres)@127.0.0.1:$(port postgres)/evtop"
}
