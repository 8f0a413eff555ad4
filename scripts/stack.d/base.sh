# What every other file of scripts/stack uses: words, the lock, ports, passwords and the certificates.
# shellcheck shell=bash disable=SC2154 # dir, here, root and parts are set in scripts/stack

say() { printf '%s\n' "$*"; }

# Ends with a sentence and an exit code: 1 failed, 2 wrong usage, 3 something is missing or unavailable.
fail() {
  local code=$1
  shift
  printf '%s\n' "$*" >&2
  exit "$code"
}

[[ -r /proc/self/stat ]] || fail 3 "scripts/stack needs Linux; elsewhere use compose.yaml with Docker."

# One command at a time changes a stack. The parts must not inherit the lock: see spawn.
lock() {
  if ! mkdir -p "$dir/run" 2>/dev/null || [[ ! -w $dir/run ]]; then
    fail 3 "The folder $dir can't be written; name another one in EVTOP_STACK_DIR."
  fi
  exec 9>"$dir/run/lock"
  flock -w 180 9 || fail 3 "Another scripts/stack works on $dir for 3 minutes now; try again when it is done."
  mkdir -p "$dir"/{log,conf,data} # only now: the other may have deleted them
}

# Below 32768 on purpose: Linux takes client ports from above it, and a client that reconnects to a dead
# port there can be given that very port and so keep the server from coming back.
port_base=$(cat "$dir/port-base" 2>/dev/null || true)
wanted_base=${EVTOP_STACK_PORT_BASE:-${port_base:-29300}}
port_base=${port_base:-$wanted_base}
[[ $wanted_base =~ ^[0-9]{4,5}$ && $wanted_base -ge 1024 && $wanted_base -le 65526 ]] ||
  fail 2 "EVTOP_STACK_PORT_BASE is \"$wanted_base\"; it must be a number from 1024 to 65526."

# The port of a role. Adds up to eight; the last two of the ten are free for proxies in front of
# PostgreSQL and Redis.
port() {
  local names=(kafka kafka_sasl kafka_proxied kafka_proxy kafka_controller postgres redis redis_tls) i
  for i in "${!names[@]}"; do
    if [[ ${names[i]} == "$1" ]]; then
      printf '%s' $((port_base + i))
      return
    fi
  done
  fail 1 "scripts/stack: no port is called $1"
}

# Other ports than the folder remembers are taken over only while nothing runs: the running parts would
# be lost out of sight.
settle_ports() {
  local part
  port_base=$(cat "$dir/port-base" 2>/dev/null || printf '%s' "$wanted_base") # another up may have moved it
  if [[ $wanted_base != "$port_base" ]]; then
    for part in "${parts[@]}"; do
      [[ $(state_of "$part") == stopped ]] ||
        fail 2 "This stack runs at port $port_base, not $wanted_base; end it first with scripts/stack down, or name another folder in EVTOP_STACK_DIR."
    done
    port_base=$wanted_base
  fi
  printf '%s\n' "$port_base" >"$dir/port-base"
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The password of a role, made on first use. 128 random bits in hex need no quoting anywhere.
secret() {
  local file=$dir/secrets/$1
  if [[ ! -s $file ]]; then
    mkdir -p "$dir/secrets"
    chmod 700 "$dir/secrets"
    (umask 077 && openssl rand -hex 16 >"$file.new" && mv "$file.new" "$file")
  fi
  cat "$file"
}

# The stack's own authority and one server certificate for localhost, good for all parts.
certificates() {
  local tls=$dir/tls new=$dir/tls.new
  [[ ! -s $tls/server.pem ]] || return 0
  rm -rf "$new" "$tls"
  mkdir -p "$new"
  (
    cd "$new"
    umask 077
    exec 2>openssl.log
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -sha256 \
      -subj "/CN=evtop stack CA" -keyout ca.key -out ca.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
      -keyout server.key -out server.csr
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -sha256 -out server.crt \
      -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth')
    # One file with key and certificate, as Kafka's PEM key store wants it.
    cat server.key server.crt >server.pem
    chmod 644 ca.pem server.crt
  ) || fail 1 "openssl could not make the certificates: $(tail -n 3 "$new/openssl.log")"
  mv "$new" "$tls"
}

# Names what is missing, or installs it where that is possible. need "what for" PACKAGE... -- test...
# The test is run again after the installation.
need() {
  local purpose=$1 packages=()
  shift
  while [[ $1 != -- ]]; do packages+=("$1") && shift; done
  shift
  "$@" && return
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    say "installing ${packages[*]}"
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"; } \
      >"$dir/log/apt.log" 2>&1 </dev/null 9>&-; then
      fail 3 "$purpose is missing and apt-get could not install it; its words are in $dir/log/apt.log."
    fi
    "$@" && return
  fi
  fail 3 "$purpose is missing; install it with your system's packages (Debian: ${packages[*]})."
}

have() {
  local program
  for program; do command -v "$program" >/dev/null || return 1; done
}
