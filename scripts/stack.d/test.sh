# The tests that need servers, one after another on this stack, and which scenario ran where.
# The rule: what a file of scenarios promises for every stack must have passed on this one, in this run.
# shellcheck shell=bash disable=SC2154 # dir, here, root and parts are set in scripts/stack

cmd_test() {
  (($# == 0)) || fail 2 "scripts/stack test takes no arguments; a single test: eval \"\$(scripts/stack env)\" and cargo test … -- --ignored NAME"
  command -v cargo >/dev/null || fail 3 "cargo is missing; install Rust with rustup."
  # A process of its own: this one must not hold the lock, as tests stop and start parts too.
  cmd_status >/dev/null || "$root/scripts/stack" up
  local env
  env=$(cmd_env)
  eval "$env"
  test_status=0
  test_results=$(mktemp)
  # Expanded now: a function's variables are gone when the shell ends.
  # shellcheck disable=SC2064
  trap "rm -f '$test_results'" EXIT
  cd "$root"
  test_run store --ignored
  test_run dedupe --ignored
  test_run pipeline --ignored real::
  test_run pipeline --ignored in_redis::
  test_run stack --ignored
  if [[ -e tests/attach.rs || -e tests/attach/main.rs ]]; then test_run attach --ignored; fi
  test_table
  awk '/^test result:/ { passed += $4; failed += $6; skipped += $8 }
       END { printf "\ntotal: %d passed, %d failed, %d skipped\n", passed, failed, skipped }' "$test_results"
  return "$test_status"
}

# test_run BINARY ARGS...
test_run() {
  local binary=$1
  shift
  printf '\n== cargo test --test %s -- %s\n' "$binary" "$*"
  cargo test --locked --test "$binary" -- "$@" 2>&1 | tee -a "$test_results" || test_status=1
}

# Scenario by stack. What is listed for servers and has no pass in this run fails it.
test_table() {
  local test name word passed=0 missing=0 alone=0
  local -A listed=() result=()
  while read -r name word; do
    [[ $word != test ]] || listed[${name%:}]=yes
  done < <(cargo test --locked --quiet --test pipeline -- --list 2>/dev/null)
  while read -r word test _ name _; do
    [[ $word != test ]] || result[$test]=${name:-unknown}
  done < <(grep -E '^test [^ ]+ \.\.\. ' "$test_results")
  printf '\n%-28s %-14s %-14s %-10s %s\n' scenario embedded real "in Redis" "in Redis, unwell"
  for name in $(printf '%s\n' "${!listed[@]}" | sed -n 's/^embedded:://p' | sort); do
    test=real::$name
    word=$(test_of "$test")
    case $word in
      -) word="embedded only" alone=$((alone + 1)) ;;
      ok) passed=$((passed + 1)) ;;
      *) missing=$((missing + 1)) ;;
    esac
    printf '%-28s %-14s %-14s %-10s %s\n' "$name" "by cargo test" "$word" \
      "$(test_of "in_redis::well::$name")" "$(test_of "in_redis::unwell::$name")"
  done
  printf '%d scenarios passed on servers, %d did not, %d are for the embedded stack only\n' "$passed" "$missing" "$alone"
  ((passed > 0 && missing == 0)) || test_status=1
}

# What became of a test in this run; - is a test that there is not.
test_of() {
  if [[ -z ${listed[$1]:-} ]]; then printf -- -; else printf '%s' "${result[$1]:-not run}"; fi
}
