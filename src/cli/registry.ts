import type { Command, CommandEntry } from './command.ts';

/*
 * Every command by its name. A command's module is loaded when it is called: `bridgeport version` reads a few files,
 * not all of them.
 */

const entry = (summary: string, load: () => Promise<Command>) => ({ summary, load });
const group = (summary: string, commands: Record<string, CommandEntry>): CommandEntry => ({
  summary,
  commands,
});
/** The same command under a second name, which help does not list. */
const alias = (of: CommandEntry): CommandEntry => ({ ...of, hidden: true });

const run = entry(
  'Create and run a new container from an image',
  async () => (await import('./commands/run.ts')).run,
);
const exec = entry(
  'Execute a command in a running container',
  async () => (await import('./commands/exec.ts')).exec,
);
const ps = entry('List containers', async () => (await import('./commands/ps.ts')).ps);
const pull = entry(
  'Download an image from a registry',
  async () => (await import('./commands/pull.ts')).pull,
);
const images = entry('List images', async () => (await import('./commands/images.ts')).images);
const attach = entry(
  'Attach local standard input, output, and error streams to a running container',
  async () => (await import('./commands/attach.ts')).attach,
);
const capture = entry(
  'Show packets of a container, a network or a published port, or write them to a file for Wireshark',
  async () => (await import('./commands/capture.ts')).capture,
);
const cp = entry(
  'Copy files/folders between a container and the local filesystem',
  async () => (await import('./commands/cp.ts')).cp,
);
const create = entry('Create a new container', async () => (await import('./commands/create.ts')).create);
const diff = entry(
  "Inspect changes to files or directories on a container's filesystem",
  async () => (await import('./commands/diff.ts')).diff,
);
const doctor = entry(
  'Look for what is wrong with the network, with evidence and remedy',
  async () => (await import('./commands/doctor.ts')).doctor,
);
const events = entry(
  'Get real time events from the server',
  async () => (await import('./commands/events.ts')).events,
);
const exportContainer = entry(
  "Export a container's filesystem as a tar archive",
  async () => (await import('./commands/export.ts')).exportContainer,
);
const flows = entry(
  'Show connections with the names of containers and translation undone',
  async () => (await import('./commands/flows.ts')).flows,
);
const history = entry(
  'Show the history of an image',
  async () => (await import('./commands/history.ts')).history,
);
const importImage = entry(
  'Import the contents from a tarball to create a filesystem image',
  async () => (await import('./commands/import.ts')).importImage,
);
const info = entry('Display system-wide information', async () => (await import('./commands/info.ts')).info);
const inspect = entry(
  'Return low-level information on Bridgeport objects',
  async () => (await import('./commands/inspect.ts')).inspect,
);
const kill = entry(
  'Kill one or more running containers',
  async () => (await import('./commands/kill.ts')).kill,
);
const load = entry(
  'Load an image from a tar archive or STDIN',
  async () => (await import('./commands/load.ts')).load,
);
const logs = entry('Fetch the logs of a container', async () => (await import('./commands/logs.ts')).logs);
const map = entry(
  "Draw the network: from the world through the host's bridges to every container",
  async () => (await import('./commands/map.ts')).map,
);
const metrics = entry(
  'Print everything that is counted, once, as Prometheus reads it',
  async () => (await import('./commands/metrics.ts')).metrics,
);
const pause = entry(
  'Pause all processes within one or more containers',
  async () => (await import('./commands/pause.ts')).pause,
);
const port: CommandEntry = {
  ...entry(
    'List port mappings or a specific mapping for the container',
    async () => (await import('./commands/port.ts')).port,
  ),
  below: {
    add: entry(
      'Publish more ports of a container, at once and for its next starts',
      async () => (await import('./commands/port-change.ts')).addPorts,
    ),
    rm: entry(
      'Take published ports of a container away',
      async () => (await import('./commands/port-change.ts')).removePorts,
    ),
  },
};
const rename = entry('Rename a container', async () => (await import('./commands/rename.ts')).rename);
const restart = entry(
  'Restart one or more containers',
  async () => (await import('./commands/stop.ts')).restart,
);
const rm = entry('Remove one or more containers', async () => (await import('./commands/rm.ts')).rm);
const rmi = entry('Remove one or more images', async () => (await import('./commands/rmi.ts')).rmi);
const rules = entry(
  'Explain every firewall rule in force, in the order in which a packet meets them',
  async () => (await import('./commands/rules.ts')).rules,
);
const why = entry(
  'Tell whether FROM reaches TO, by which way, and what stands in the way',
  async () => (await import('./commands/why.ts')).why,
);
const save = entry(
  'Save one or more images to a tar archive (streamed to STDOUT by default)',
  async () => (await import('./commands/save.ts')).save,
);
const start = entry(
  'Start one or more stopped containers',
  async () => (await import('./commands/start.ts')).start,
);
const stats = entry(
  'Display a live stream of container(s) resource usage statistics',
  async () => (await import('./commands/stats.ts')).stats,
);
const stop = entry(
  'Stop one or more running containers',
  async () => (await import('./commands/stop.ts')).stop,
);
const tag = entry(
  'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE',
  async () => (await import('./commands/tag.ts')).tag,
);
const top = entry(
  'Display the running processes of a container',
  async () => (await import('./commands/top.ts')).top,
);
const unpause = entry(
  'Unpause all processes within one or more containers',
  async () => (await import('./commands/pause.ts')).unpause,
);
const ui = entry(
  'Show the network as a page in the browser',
  async () => (await import('./commands/ui.ts')).ui,
);
const update = entry(
  'Update configuration of one or more containers',
  async () => (await import('./commands/update.ts')).update,
);
const version = entry(
  'Show the Bridgeport version information',
  async () => (await import('./commands/version.ts')).version,
);
const wait = entry(
  'Block until one or more containers stop, then print their exit codes',
  async () => (await import('./commands/wait.ts')).wait,
);

const container = group('Manage containers', {
  attach,
  cp,
  create,
  diff,
  exec,
  export: exportContainer,
  inspect: entry(
    'Display detailed information on one or more containers',
    async () => (await import('./commands/inspect.ts')).inspectContainer,
  ),
  kill,
  logs,
  ls: ps,
  list: alias(ps),
  ps: alias(ps),
  pause,
  port,
  prune: entry(
    'Remove all stopped containers',
    async () => (await import('./commands/prune.ts')).pruneContainers,
  ),
  rename,
  restart,
  rm,
  remove: alias(rm),
  run,
  start,
  stats,
  stop,
  top,
  unpause,
  update,
  wait,
});

const image = group('Manage images', {
  history,
  import: importImage,
  inspect: entry(
    'Display detailed information on one or more images',
    async () => (await import('./commands/inspect.ts')).inspectImage,
  ),
  load,
  ls: images,
  list: alias(images),
  prune: entry('Remove unused images', async () => (await import('./commands/prune.ts')).pruneImages),
  pull,
  rm: rmi,
  remove: alias(rmi),
  save,
  tag,
});

const listNetworks = entry('List networks', async () => (await import('./commands/network.ts')).listNetworks);
const removeNetwork = entry(
  'Remove one or more networks',
  async () => (await import('./commands/network.ts')).removeNetwork,
);
const network = group('Manage networks', {
  connect: entry(
    'Connect a container to a network',
    async () => (await import('./commands/network.ts')).connectNetwork,
  ),
  create: entry('Create a network', async () => (await import('./commands/network.ts')).createNetwork),
  disconnect: entry(
    'Disconnect a container from a network',
    async () => (await import('./commands/network.ts')).disconnectNetwork,
  ),
  inspect: entry(
    'Display detailed information on one or more networks',
    async () => (await import('./commands/inspect.ts')).inspectNetwork,
  ),
  ls: listNetworks,
  list: alias(listNetworks),
  prune: entry('Remove all unused networks', async () => (await import('./commands/prune.ts')).pruneNetworks),
  rm: removeNetwork,
  remove: alias(removeNetwork),
});

const listVolumes = entry('List volumes', async () => (await import('./commands/volume.ts')).listVolumes);
const removeVolume = entry(
  'Remove one or more volumes',
  async () => (await import('./commands/volume.ts')).removeVolume,
);
const volume = group('Manage volumes', {
  create: entry('Create a volume', async () => (await import('./commands/volume.ts')).createVolume),
  inspect: entry(
    'Display detailed information on one or more volumes',
    async () => (await import('./commands/inspect.ts')).inspectVolume,
  ),
  ls: listVolumes,
  list: alias(listVolumes),
  prune: entry('Remove unused local volumes', async () => (await import('./commands/prune.ts')).pruneVolumes),
  rm: removeVolume,
  remove: alias(removeVolume),
});

const system = group('Manage Bridgeport', {
  df: entry('Show disk usage', async () => (await import('./commands/df.ts')).df),
  events,
  info,
  prune: entry('Remove unused data', async () => (await import('./commands/prune.ts')).pruneSystem),
});

/** The commands as `bridgeport --help` lists them: what is used most comes first. */
export const commands: Record<string, CommandEntry> = {
  run,
  exec,
  ps,
  map,
  doctor,
  flows,
  rules,
  why,
  capture,
  metrics,
  ui,
  pull,
  images,
  version,
  info,
  container,
  image,
  network,
  system,
  volume,
  attach,
  cp,
  create,
  diff,
  events,
  export: exportContainer,
  history,
  import: importImage,
  inspect,
  kill,
  load,
  logs,
  pause,
  port,
  rename,
  restart,
  rm,
  rmi,
  save,
  start,
  stats,
  stop,
  tag,
  top,
  unpause,
  update,
  wait,
};
