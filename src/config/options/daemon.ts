/** Options of the daemon itself: its roots, sockets, log, TLS and containerd. */

import { invalid } from '../../base/errors.ts';
import { checkLabel } from '../addresses.ts';
import { isLoopback, parseHost, parseMetricsAddress } from '../hosts.ts';
import { boolean, integer, list, oneOf, strings, switches, text } from '../kinds.ts';
import { option } from '../option.ts';

/** Validates without changing: whether TLS is on, and so which port is meant, is known only at the end. */
const checkHost = (host: string) => {
  if (host !== '') parseHost(host);
  return host;
};

const checkMetricsAddress = (address: string) => {
  parseMetricsAddress(address);
  return address;
};

/** The page is for this machine only: whoever wants it from elsewhere forwards the port, with encryption (`ssh -L`). */
const checkPageAddress = (text: string) => {
  const address = parseHost(text);
  if (address.kind !== 'tcp' || !/:\d+$/.test(text)) throw invalid(`want 127.0.0.1:PORT, got "${text}"`);
  if (!isLoopback(address.host)) throw invalid(`"${address.host}" is not a loopback address`);
  return text;
};

export const daemonOptions = {
  configFile: option('config-file', {
    key: null,
    kind: text(),
    default: '/etc/docker/daemon.json',
    help: 'Daemon configuration file',
    built: true,
  }),
  validate: option('validate', {
    key: null,
    kind: boolean,
    default: false,
    help: 'Validate daemon configuration and exit',
    built: true,
  }),
  help: option('help', {
    short: 'h',
    key: null,
    kind: boolean,
    default: false,
    help: 'Print usage',
    built: true,
  }),
  version: option('version', {
    short: 'v',
    key: null,
    kind: boolean,
    default: false,
    help: 'Print version information and quit',
    built: true,
  }),
  dataRoot: option('data-root', {
    kind: text(),
    default: '/var/lib/bridgeport',
    help: 'Root directory of persistent state',
    built: true,
  }),
  execRoot: option('exec-root', {
    kind: text(),
    default: '/run/bridgeport',
    help: 'Root directory for execution state files',
    built: true,
  }),
  pidfile: option('pidfile', {
    short: 'p',
    kind: text(),
    default: '/run/bridgeport.pid',
    help: 'Path to use for daemon PID file',
    built: true,
  }),
  hosts: option('host', {
    short: 'H',
    key: 'hosts',
    kind: list(checkHost),
    default: [],
    help: 'Daemon socket(s) to connect to (default unix:///run/bridgeport.sock)',
    built: true,
  }),
  group: option('group', {
    short: 'G',
    kind: text(),
    default: 'docker',
    help: 'Group for the unix socket',
    built: true,
  }),
  tls: option('tls', { kind: boolean, default: false, help: 'Use TLS; implied by --tlsverify', built: true }),
  tlsverify: option('tlsverify', {
    kind: boolean,
    default: false,
    help: 'Use TLS and verify the remote',
    built: true,
  }),
  tlscacert: option('tlscacert', {
    kind: text(),
    default: '',
    help: 'Trust certs signed only by this CA (default "~/.docker/ca.pem")',
    built: true,
  }),
  tlscert: option('tlscert', {
    kind: text(),
    default: '',
    help: 'Path to TLS certificate file (default "~/.docker/cert.pem")',
    built: true,
  }),
  tlskey: option('tlskey', {
    kind: text(),
    default: '',
    help: 'Path to TLS key file (default "~/.docker/key.pem")',
    built: true,
  }),
  debug: option('debug', {
    short: 'D',
    kind: boolean,
    default: false,
    help: 'Enable debug mode',
    built: true,
    reloadable: true,
  }),
  logLevel: option('log-level', {
    short: 'l',
    kind: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'panic'),
    default: 'info',
    help: 'Set the logging level ("debug"|"info"|"warn"|"error"|"fatal")',
    built: true,
  }),
  logFormat: option('log-format', {
    kind: oneOf('text', 'json'),
    default: 'text',
    help: 'Set the logging format ("text"|"json")',
  }),
  rawLogs: option('raw-logs', {
    kind: boolean,
    default: false,
    help: 'Full timestamps without ANSI coloring',
  }),
  labels: option('label', {
    key: 'labels',
    kind: list(checkLabel),
    default: [],
    help: 'Set key=value labels to the daemon',
    built: true,
    reloadable: true,
  }),
  containerd: option('containerd', {
    kind: text(),
    default: '',
    help: 'containerd grpc address (default: a containerd of its own is started)',
    built: true,
  }),
  containerdNamespace: option('containerd-namespace', {
    kind: text(),
    default: 'moby',
    help: 'Containerd namespace to use',
    built: true,
  }),
  containerdPluginsNamespace: option('containerd-plugins-namespace', {
    // Docker's flag and its documented key differ by an "s".
    formerKeys: ['containerd-plugin-namespace'],
    kind: text(),
    default: 'plugins.moby',
    help: 'Containerd namespace to use for plugins',
    built: true,
  }),
  criContainerd: option('cri-containerd', {
    kind: boolean,
    default: false,
    help: 'start containerd with cri',
  }),
  liveRestore: option('live-restore', {
    kind: boolean,
    default: false,
    help: 'Enable live restore of docker when containers are still running',
    built: true,
    reloadable: true,
  }),
  shutdownTimeout: option('shutdown-timeout', {
    // -1 waits for ever.
    kind: integer(-1),
    default: 15,
    help: 'Set the default shutdown timeout',
    reloadable: true,
    built: true,
  }),
  authorizationPlugins: option('authorization-plugin', {
    key: 'authorization-plugins',
    kind: list(),
    default: [],
    help: 'Authorization plugins to load',
  }),
  experimental: option('experimental', {
    kind: boolean,
    default: false,
    help: 'Enable experimental features',
  }),
  features: option('feature', {
    key: 'features',
    kind: switches,
    default: {},
    help: 'Enable feature in the daemon',
    reloadable: true,
  }),
  metricsAddr: option('metrics-addr', {
    kind: text(checkMetricsAddress),
    default: '',
    help: 'Set default address and port to serve the metrics api on',
    built: true,
  }),
  uiAddress: option('ui-address', {
    kind: text(checkPageAddress),
    default: '',
    help: 'Serve the page that shows the network at this loopback address, like "127.0.0.1:8088" (default: only while "bridgeport ui" runs)',
    built: true,
  }),
  rootless: option('rootless', {
    kind: boolean,
    default: false,
    help: 'Enable rootless mode; typically used with RootlessKit',
  }),
  swarmDefaultAdvertiseAddr: option('swarm-default-advertise-addr', {
    kind: text(),
    default: '',
    help: 'Set default address or interface for swarm advertised address',
  }),
  nodeGenericResources: option('node-generic-resource', {
    key: 'node-generic-resources',
    kind: list(),
    default: [],
    help: 'Advertise user-defined resource',
  }),
  nriOpts: option('nri-opts', {
    kind: strings,
    default: {},
    help: 'Node Resource Interface configuration',
  }),
};
