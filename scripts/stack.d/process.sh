# Processes of a part: starting one, finding it again, and signalling it with everything below it.
# The rule: a pid alone proves nothing. The file holds pid, start time and boot; a process is ours only
# if all three are still true, so a stale file can never hit a stranger.
# shellcheck shell=bash disable=SC2154 # dir, here, root and parts are set in scripts/stack

boot=$(cat /proc/sys/kernel/random/boot_id)

# A field of /proc/PID/stat, counted from the state (3). The name in field 2 may hold spaces and brackets.
stat_field() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }"
  printf '%s' "${fields[$2 - 3]}"
}

# The pid of a part that lives. A zombie is dead: some containers never reap.
pid_of() {
  local pid start its_boot state
  read -r pid start its_boot 2>/dev/null <"$dir/run/$1.pid" || return 1
  [[ $its_boot == "$boot" && $(stat_field "$pid" 22) == "$start" ]] || return 1
  state=$(stat_field "$pid" 3) || return 1
  [[ $state != [ZX] ]] || return 1
  printf '%s' "$pid"
}

state_of() {
  local pid
  if ! pid=$(pid_of "$1"); then
    printf stopped
  elif [[ $(stat_field "$pid" 3) == T ]]; then
    printf frozen
  else
    printf running
  fi
}

# Starts a command as leader of a session of its own, its words in the part's log. Neither setsid nor
# setpriv forks here, so $! is the part itself.
spawn() {
  local part=$1 pid
  shift
  setsid "$@" </dev/null >>"$dir/log/$part.log" 2>&1 9>&- &
  pid=$!
  printf '%s %s %s\n' "$pid" "$(stat_field "$pid" 22)" "$boot" >"$dir/run/$part.pid"
}

# A process and all below it. PostgreSQL's backends lead sessions of their own, so the process group
# would miss them.
tree() {
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$1" '
    { pid = $1; sub(/.*\) /, ""); parent[pid] = $2 }
    function below(pid, hops) {
      for (hops = 0; pid > 1 && hops < 64; hops++) { if (pid == root) return 1; pid = parent[pid] }
      return 0
    }
    END { print root; for (pid in parent) if (pid != root && below(pid)) print pid }'
}

# Signals a process and all below it, and leaves their pids in `hit`. The head is stopped first, so that
# none is born behind the back.
signal_tree() {
  hit=()
  kill -STOP "$2" 2>/dev/null || return 0
  mapfile -t hit < <(tree "$2")
  kill -"$1" "${hit[@]}" 2>/dev/null || true
}

# Waits until none of the pids lives. gone SECONDS PID...
gone() {
  local end=$((SECONDS + $1)) pid state
  shift
  for pid; do
    while state=$(stat_field "$pid" 3) && [[ $state != [ZX] ]]; do
      ((SECONDS < end)) || return 1
      sleep 0.05
    done
  done
}

uptime_of() {
  local now start ticks
  ticks=$(getconf CLK_TCK)
  read -r now _ </proc/uptime
  start=$(stat_field "$1" 22) || return 0
  local s=$((${now%.*} - start / ticks))
  ((s < 3600)) && printf '%dm%02ds' $((s / 60)) $((s % 60)) || printf '%dh%02dm' $((s / 3600)) $((s % 3600 / 60))
}

# Resident memory of the whole tree. PostgreSQL's shared pages count once for each backend.
memory_of() {
  local pid kib sum=0
  for pid in $(tree "$1"); do
    kib=$(awk '/^VmRSS/ {print $2}' "/proc/$pid/status" 2>/dev/null) || continue
    sum=$((sum + ${kib:-0}))
  done
  printf '%d MiB' $((sum / 1024))
}
