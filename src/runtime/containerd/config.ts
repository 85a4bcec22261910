/** The configuration file of a managed containerd, version 2 of its format (`containerd config default` shows it all). */

import { invalid } from '../../base/errors.ts';

export interface ConfigOptions {
  /** What must last: content, snapshots, metadata. */
  root: string;
  /** What may go with a reboot: bundles of running containers. */
  state: string;
  socket: string;
  /** Default `warn`. */
  logLevel?: 'debug' | 'info' | 'warn' | 'error' | undefined;
}

/**
 * Plugins an engine for containers needs nothing of. CRI alone opens a TCP port, watches /etc/cni and takes 10 MB; the
 * other snapshotters probe the machine at start; `opt` makes /opt/containerd; `restart` polls every 10 s; the task
 * monitor counts cgroups for a Prometheus endpoint that we do not open (OOM events come from the shim).
 * `io.containerd.runtime.v1.linux` has to stay: without it 1.6 serves no tasks at all. Names that a containerd does not
 * know are ignored by it.
 */
const DISABLED_PLUGINS = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.internal.v1.opt',
  'io.containerd.internal.v1.restart',
  'io.containerd.internal.v1.tracing',
  'io.containerd.monitor.v1.cgroups',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.tracing.processor.v1.otlp',
];

/** `sun_path` of unix(7) is 108 bytes with the terminating zero; containerd opens `SOCKET.ttrpc` beside its own. */
const SOCKET_LIMIT = 107 - '.ttrpc'.length;

/** The text of the file; the same options give the same text. `invalid` when the socket's path is too long. */
export function renderConfig(options: ConfigOptions): string {
  const { root, state, socket, logLevel = 'warn' } = options;
  const length = Buffer.byteLength(socket);
  if (length > SOCKET_LIMIT)
    throw invalid(
      `configure containerd: socket path "${socket}" has ${length} bytes, at most ${SOCKET_LIMIT} fit`,
    );
  return `# Written by Bridgeport at every start: changes here are lost.
version = 2
root = ${quote(root)}
state = ${quote(state)}
# 0 leaves the score as it was inherited: lowering it needs CAP_SYS_RESOURCE.
oom_score = 0
# Rather no containerd than one that answers but cannot run anything.
required_plugins = ["io.containerd.grpc.v1.tasks"]
disabled_plugins = [
${DISABLED_PLUGINS.map((plugin) => `  ${quote(plugin)},`).join('\n')}
]

[grpc]
  address = ${quote(socket)}

[ttrpc]
  address = ${quote(`${socket}.ttrpc`)}

[debug]
  level = ${quote(logLevel)}
  format = "json"
`;
}

/** A TOML basic string: JSON's escapes are a subset of TOML's, DEL aside. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f');
}
