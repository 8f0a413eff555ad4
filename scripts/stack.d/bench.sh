# shellcheck shell=bash
# How fast the pipeline is on these servers, beside librdkafka alone on the same broker (benches/stack.rs).

cmd_bench() {
  local rounds=3
  while (($#)); do
    case $1 in
      --rounds) rounds=${2:?"--rounds needs a number"} ;;
      *) fail 2 "scripts/stack bench knows --rounds N, not $1" ;;
    esac
    shift 2
  done
  (cmd_up) # in a shell of its own: the lock ends with it
  # shellcheck disable=SC1090 # our own exports
  source <(cmd_env)
  cd "$root"
  EVTOP_BENCH_ROUNDS=$rounds cargo bench --locked --bench stack
}
