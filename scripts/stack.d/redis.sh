# Redis: plain and TLS port, a password, nothing kept on disk.
# shellcheck shell=bash disable=SC2154 # dir, here, root and parts are set in scripts/stack

redis_need() { need "Redis" redis-server redis-tools -- have redis-server redis-cli; }
redis_ports() { printf '%s\n' redis redis_tls; }
redis_address() { printf '127.0.0.1:%s' "$(port redis)"; }
redis_stop_signal() { printf TERM; }
redis_settle() { :; }

redis_prepare() {
  mkdir -p "$dir/data/redis"
  (umask 077 && cat >"$dir/conf/redis.conf") <<CONF
bind 127.0.0.1
port $(port redis)
tls-port $(port redis_tls)
tls-cert-file "$dir/tls/server.crt"
tls-key-file "$dir/tls/server.key"
tls-ca-cert-file "$dir/tls/ca.pem"
tls-auth-clients no
requirepass $(secret redis)
dir "$dir/data/redis"
save ""
appendonly no
daemonize no
CONF
}

redis_run() { spawn redis redis-server "$dir/conf/redis.conf"; }

redis_answers() {
  local cli=(env REDISCLI_AUTH="$(secret redis)" timeout 5 redis-cli -h 127.0.0.1)
  [[ $("${cli[@]}" -p "$(port redis)" ping 2>/dev/null) == PONG ]] &&
    [[ $("${cli[@]}" -p "$(port redis_tls)" --tls --cacert "$dir/tls/ca.pem" ping 2>/dev/null) == PONG ]]
}

# The user is named: with an empty one redis-cli 7.0 is refused.
redis_env() {
  say EVTOP_STACK_REDIS "redis://default:$(secret redis)@127.0.0.1:$(port redis)/0"
  say EVTOP_STACK_REDIS_TLS "rediss://default:$(secret redis)@127.0.0.1:$(port redis_tls)/0"
}
