# shellcheck shell=bash
# Chaos: three instances of evtop under load while they and the servers are killed, stopped, emptied and
# cut off. The test itself (tests/chaos) calls this script for the servers' part.

cmd_chaos() {
  local rounds=10 seed=$RANDOM
  while (($#)); do
    case $1 in
      --rounds) rounds=${2:?"--rounds needs a number"} ;;
      --seed) seed=${2:?"--seed needs a number"} ;;
      *) fail 2 "scripts/stack chaos knows --rounds N and --seed S, not $1" ;;
    esac
    shift 2
  done
  (cmd_up) # in a shell of its own: the lock ends with it, and the test takes it again and again
  # shellcheck disable=SC1090 # our own exports
  source <(cmd_env)
  cd "$root"
  EVTOP_CHAOS_ROUNDS=$rounds EVTOP_CHAOS_SEED=$seed \
    cargo test --locked --test chaos -- --ignored --nocapture
}
