# Sourced by scripts/quickstart: which network namespace the demonstration takes for its host, and what it leaves there.
#
# On a machine without Docker it is the machine's own. Where a Docker is there, it is one that we make, called
# bridgeport-quickstart: both would write chains of the same names, and Docker empties them when it starts. The machine
# is then to the demonstration what another host is to a Docker host, with one cable between the two.

netns=bridgeport-quickstart
# Benchmark addresses (RFC 2544), which no network of consequence has.
cable_near=198.18.0.1
cable_far=198.18.0.2

choose_network() {
  if [ -f "$home/network" ]; then
    recall_network
    return 0
  fi
  if [ "$isolated" = yes ] || docker_is_there; then make_netns; else note_machine; fi
  recall_network
}

# Sets $mode, $address (where published ports are reached), $enter (words that lead into the daemon's namespace).
recall_network() {
  mode=none
  [ ! -f "$home/network" ] || mode=$(cat "$home/network")
  case $mode in
    isolated) address=$cable_far enter="nsenter --net=/run/netns/$netns" ;;
    *) address=127.0.0.1 enter= ;;
  esac
}

# A docker0 or a chain called DOCKER that we did not make; a dockerd that lives in this namespace.
docker_is_there() {
  if ip link show docker0 >/dev/null 2>&1; then
    why='there is a docker0 already'
  elif iptables -n -L DOCKER >/dev/null 2>&1; then
    why='there are Docker'"'"'s firewall rules already'
  else
    here=$(readlink /proc/self/ns/net)
    for pid in $(pgrep -x dockerd || true); do
      [ "$(readlink "/proc/$pid/ns/net" || true)" != "$here" ] || why="dockerd runs already (process $pid)"
    done
  fi
  [ -n "${why-}" ] || return 1
  echo "$why: it is left alone, and the demonstration gets a network namespace of its own"
}

note_machine() {
  cat /proc/sys/net/ipv4/ip_forward >"$home/ip_forward"
  for command in iptables ip6tables; do
    "$command-save" >"$home/$command.before" 2>/dev/null || : >"$home/$command.before"
  done
  echo machine >"$home/network"
}

make_netns() {
  [ -e "/run/netns/$netns" ] || ip netns add "$netns"
  echo isolated >"$home/network"
  if ! ip link show bpquick0 >/dev/null 2>&1; then
    ip link add bpquick0 type veth peer name eth0 netns "$netns"
    ip addr add "$cable_near/30" dev bpquick0
    ip link set bpquick0 up
  fi
  ip -n "$netns" link set lo up
  ip -n "$netns" addr replace "$cable_far/30" dev eth0
  ip -n "$netns" link set eth0 up
  ip -n "$netns" route replace default via "$cable_near"
}

# taken PORT: somebody listens there. In /proc/net/tcp, field 2 is the local address in hex, field 4 the state;
# 0A is TCP_LISTEN (include/net/tcp_states.h).
taken() {
  # shellcheck disable=SC2086 # $enter is a list of words
  $enter cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}

# What the daemon has added by now to the rules that were there before it.
remember_rules() {
  [ "$mode" = machine ] || return 0
  for command in iptables ip6tables; do
    "$command-save" >>"$home/$command.ours" 2>/dev/null || true
  done
}

show_rules() {
  for table in filter nat raw; do
    # shellcheck disable=SC2086 # $enter is a list of words
    rules=$($enter iptables -t $table -S 2>/dev/null | grep -E -e 'DOCKER|docker0|^-P FORWARD|^-A DOCKER' || true)
    [ -z "$rules" ] || printf '\n$ iptables -t %s -S\n%s\n' "$table" "$rules"
  done
}

explain_isolation() {
  [ "$mode" = isolated ] || return 0
  cat <<TEXT
The demonstration's host is the network namespace $netns. To look around there:
  nsenter --net=/run/netns/$netns
TEXT
}

undo_network() {
  case $mode in
    isolated)
      ip link del bpquick0 2>/dev/null || true
      ip netns del "$netns" 2>/dev/null || true
      ;;
    machine)
      undo_rules iptables
      undo_rules ip6tables
      ip link del docker0 2>/dev/null || true
      if [ "$(cat "$home/ip_forward")" = 0 ]; then echo 0 >/proc/sys/net/ipv4/ip_forward; fi
      ;;
  esac
}

# Takes back, in one transaction, the rules and chains that were not there before the demonstration and are the
# daemon's: seen while it ran, or naming docker0 or a chain of Docker's. DOCKER-USER stays when somebody has written
# into it, and so does the jump that makes it work.
undo_rules() {
  "$1-save" >"$home/$1.now" 2>/dev/null || return 0
  touch "$home/$1.ours"
  awk '
    /^\*/ { table = $1; if (FILENAME ~ /now$/) tables[++count] = table }
    FILENAME ~ /before$/ && /^-A/ { before[table $0] = 1 }
    FILENAME ~ /before$/ && /^:/ { policy[table $1] = $2 }
    FILENAME ~ /ours$/ && /^-A/ { ours[table $0] = 1 }
    FILENAME ~ /now$/ && /^:DOCKER/ && !((table $1) in policy) { chains[table] = chains[table] " " substr($1, 2) }
    FILENAME ~ /now$/ && /^:FORWARD DROP/ && policy[table $1] != "DROP" { undo[table] = undo[table] "-P FORWARD ACCEPT\n" }
    FILENAME ~ /now$/ && /^-A DOCKER-USER/ && !/^-A DOCKER-USER -j RETURN$/ && !((table $0) in before) { users[table] = 1 }
    FILENAME ~ /now$/ && /^-A/ && !/^-A DOCKER/ && !((table $0) in before) && (((table $0) in ours) || /docker0|DOCKER/) {
      if (/-j DOCKER-USER$/) jump[table] = "-D" substr($0, 3) "\n"
      else undo[table] = undo[table] "-D" substr($0, 3) "\n"
    }
    END {
      for (at = 1; at <= count; at++) {
        table = tables[at]
        if (!users[table]) undo[table] = undo[table] jump[table]
        amount = split(chains[table], names, " ")
        for (step = 1; step <= 2; step++)
          for (name = 1; name <= amount; name++)
            if (names[name] != "DOCKER-USER" || !users[table])
              undo[table] = undo[table] (step == 1 ? "-F " : "-X ") names[name] "\n"
        if (undo[table] != "") printf "%s\n%sCOMMIT\n", table, undo[table]
      }
    }' "$home/$1.before" "$home/$1.ours" "$home/$1.now" >"$home/$1.undo"
  if [ -s "$home/$1.undo" ] && ! "$1-restore" --noflush <"$home/$1.undo"; then
    cp "$home/$1.undo" /tmp/bridgeport-quickstart."$1"
    echo "quickstart: some rules could not be taken back; the attempt is /tmp/bridgeport-quickstart.$1" >&2
  fi
}
