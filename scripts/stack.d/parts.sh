# Starting and ending parts, one way for all of them. A part P is the file P.sh with these functions:
#   P_need      what it is made of is installed, or ends with a sentence
#   P_ports     the roles of the ports it listens at
#   P_prepare   writes what it needs to start; keeps data that is there
#   P_run       spawns it
#   P_settle    makes users and databases once it listens; fails as long as it can't
#   P_answers   it truly does its work for a client
#   P_stop_signal, P_address, P_env
# shellcheck shell=bash disable=SC2154 # dir, here, root and parts are set in scripts/stack

# The parts named on the command line, each checked.
chosen() {
  local name
  (($# > 0)) || fail 2 "Name one or more of: ${parts[*]}."
  for name; do
    [[ " ${parts[*]} " == *" $name "* ]] || fail 2 "There is no part \"$name\"; name one or more of: ${parts[*]}."
    printf '%s\n' "$name"
  done
}

each() {
  local action=$1 names name
  shift
  names=$(chosen "$@")
  lock
  for name in $names; do "$action" "$name"; done
}

start_parts() {
  local part i
  declare -gA began=()
  lock
  settle_ports
  for part; do "${part}_need"; done
  need "openssl" openssl -- have openssl
  certificates
  for part; do
    case $(state_of "$part") in
      frozen) thaw_part "$part" ;;
      stopped)
        ports_are_free "$part"
        began[$part]=$EPOCHREALTIME
        "${part}_prepare"
        "${part}_run"
        ;;
    esac
  done
  # The last is the quickest; in the other order its seconds would be those of the first.
  for ((i = $#; i > 0; i--)); do wait_for "${!i}"; done
}

ports_are_free() {
  local role
  for role in $("${1}_ports"); do
    ! port_answers "$(port "$role")" ||
      fail 3 "Port $(port "$role"), which $1 needs, is taken by another program; end that one, or choose ten other ports with EVTOP_STACK_PORT_BASE (and EVTOP_STACK_DIR for a second stack)."
  done
}

wait_for() {
  local part=$1 end=$((SECONDS + ${EVTOP_STACK_WAIT:-60}))
  until "${part}_settle" && "${part}_answers"; do
    pid_of "$part" >/dev/null || fail 3 "$part ended while starting; its last words:
$(tail -n 8 "$dir/log/$part.log")"
    ((SECONDS < end)) || fail 3 "$part does not answer after ${EVTOP_STACK_WAIT:-60} s; see $dir/log/$part.log."
    sleep 0.1
  done
  if [[ -n ${began[$part]:-} ]]; then
    printf '%-9s %-22s up after %s s\n' "$part" "$("${part}_address")" "$(since "${began[$part]}")"
  else
    printf '%-9s %-22s was up\n' "$part" "$("${part}_address")"
  fi
}

since() { awk -v a="${1/,/.}" -v b="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%.1f", b - a }'; }

stop_part() {
  local part=$1 pid how=ended
  if ! pid=$(pid_of "$part"); then
    rm -f "$dir/run/$part.pid"
    say "$part was not running"
    return
  fi
  signal_tree CONT "$pid"
  kill -"$("${part}_stop_signal")" "$pid" 2>/dev/null || true
  if ! gone 20 "${hit[@]}"; then
    how="killed, as it did not end within 20 s"
    die_now "$part" "$pid"
  fi
  rm -f "$dir/run/$part.pid"
  say "$part $how"
}

# The pid of a part that must live for what is asked.
living() { pid_of "$1" || fail 3 "$1 does not run; start it with: scripts/stack start $1"; }

die_now() {
  signal_tree KILL "$2"
  gone 10 "${hit[@]}" || fail 1 "$1 (pid $2) does not die."
}

kill_part() {
  local pid
  pid=$(living "$1")
  die_now "$1" "$pid"
  say "$1 killed"
}

freeze_part() {
  local pid
  pid=$(living "$1")
  signal_tree STOP "$pid"
  say "$1 frozen"
}

thaw_part() {
  local pid
  pid=$(living "$1")
  signal_tree CONT "$pid"
  say "$1 thawed"
}
