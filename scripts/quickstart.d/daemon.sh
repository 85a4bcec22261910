# Sourced by scripts/quickstart: the daemon's life.

start_daemon() {
  if ping_daemon; then
    echo "it runs already, and answers at unix://$socket"
    return 0
  fi
  # No configuration file: /etc/docker/daemon.json is Docker's, and says how Docker should run.
  # shellcheck disable=SC2086 # $enter is a list of words
  setsid $enter "$root/bin/bridgeportd" --config-file= --data-root "$home/data" --exec-root "$run/exec" \
    --pidfile "$run/bridgeport.pid" -H "unix://$socket" >>"$log" 2>&1 </dev/null &
  daemon=$!
  waited=0
  until ping_daemon; do
    if ! kill -0 "$daemon" 2>/dev/null || [ $waited -ge 300 ]; then
      tail -n 20 "$log" >&2
      die "the daemon did not come up; its whole log is $log"
    fi
    sleep 0.1
    waited=$((waited + 1))
  done
  echo "it answers at unix://$socket after $((waited / 10)).$((waited % 10)) s; its log is $log"
}

ping_daemon() {
  [ -S "$socket" ] && curl -fs --max-time 2 --unix-socket "$socket" http://localhost/_ping >/dev/null
}

stop_daemon() {
  # One that was killed finds its containers again when it starts, and takes them down in good order.
  if ! ping_daemon && [ -d "$home/data" ]; then (start_daemon) || true; fi
  if ping_daemon; then
    containers=$(bridgeport ps -aq)
    # shellcheck disable=SC2086 # a list of words
    [ -z "$containers" ] || bridgeport rm -f $containers >/dev/null
    remember_rules
  fi
  if [ -f "$run/bridgeport.pid" ]; then
    pid=$(cat "$run/bridgeport.pid")
    # Not whoever may have got its number since; and one that has ended does not count, although nobody reaped it yet.
    ours() { our_processes | grep -qx "$pid"; }
    if ours; then kill "$pid"; fi
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      ours || break
      sleep 0.5
    done
  fi
  kill_leftovers
  # The groups of containers that nobody took down; one with a process in it would not go.
  for container in "$home"/data/containers/*; do
    rmdir /sys/fs/cgroup/*/bridgeport/"${container##*/}" /sys/fs/cgroup/bridgeport/"${container##*/}" 2>/dev/null || true
  done
  # The deepest mounts first.
  awk -v home="$home/" -v run="$run/" 'index($5, home) == 1 || index($5, run) == 1 { print $5 }' /proc/self/mountinfo |
    sort -r | while read -r mount; do umount -l "$mount"; done
}

# Ends what a daemon that was killed left running.
kill_leftovers() {
  for signal in TERM KILL; do
    pids=$(our_processes)
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086 # a list of words
    kill -s $signal $pids 2>/dev/null || true
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      [ -n "$(our_processes)" ] || return 0
      sleep 0.3
    done
  done
}

# Whose command line names a path below our two directories, which nothing but the demonstration uses: the daemon,
# its proxy, containerd, shims. And whose root is a file system whose layers are there: the containers.
our_processes() {
  {
    # The patterns are not on grep's command line, where it would find itself.
    printf '%s\n' "$home/data" "$run/exec" | grep -laF -f - /proc/[0-9]*/cmdline
    echo "^[^ ]* [^ ]* [^ ]* [^ ]* / .*upperdir=$home/data/" | grep -l -f - /proc/[0-9]*/mountinfo
  } 2>/dev/null | cut -d / -f 3 | sort -u
}
