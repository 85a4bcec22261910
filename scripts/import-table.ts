/**
 * Who may import whom: the table of the house, by floor. A module imports its own files and what its row names;
 * naming `network` means every part of it. Nobody imports `daemon`: it is the only place where things are wired together.
 */
export const FLOORS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  config: ['base'],
  kernel: ['base'],
  store: ['base'],
  runtime: ['base'],
  'network/model': ['base'],
  'network/ipam': ['base', 'network/model'],
  'network/firewall': ['base', 'network/model', 'network/ipam'],
  'network/drivers': ['base', 'kernel', 'store', 'network'],
  'network/ports': ['base', 'kernel', 'store', 'network'],
  'network/dns': ['base', 'kernel', 'store', 'network'],
  'network/links': ['base', 'kernel', 'store', 'network'],
  'network/controller': ['base', 'kernel', 'store', 'network'],
  proxy: ['base', 'kernel'],
  engine: ['base', 'network', 'runtime', 'store'],
  observe: ['base', 'kernel', 'network/model', 'network/firewall'],
  api: ['base'],
  cli: ['base'],
  daemon: ['base', 'config', 'kernel', 'store', 'runtime', 'network', 'proxy', 'engine', 'observe', 'api'],
};

/** The same for the page, by folders of the repository: of the rest it knows the shapes of the answers. */
export const PAGE_FLOORS: Readonly<Record<string, readonly string[]>> = {
  ui: ['src/base/wire'],
  'src/base/wire': [],
};

/** Packages that one place alone may import, so that each stays replaceable. */
export const OWNED_PACKAGES: Readonly<Record<string, string>> = {
  koffi: 'kernel/ffi',
  '@grpc/grpc-js': 'runtime/containerd',
  'node:sqlite': 'store',
  fastify: 'api',
};

/** Modules that are pure: they run without root, and so touch neither files nor processes nor sockets. */
export const PURE: readonly string[] = [
  'base',
  'config',
  'network/model',
  'network/ipam',
  'network/firewall',
];

/** What reaches out of the process. `node:net` is not among them: its `isIP` and `BlockList` are pure. */
export const IMPURE_PACKAGES: readonly string[] = [
  'node:child_process',
  'node:cluster',
  'node:dgram',
  'node:fs',
  'node:fs/promises',
  'node:http',
  'node:http2',
  'node:https',
  'node:tls',
  'node:worker_threads',
];
