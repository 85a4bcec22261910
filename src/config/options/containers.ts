/** Options that containers inherit when their own configuration does not say otherwise. */

import { boolean, bytes, integer, list, oneOf, strings, text } from '../kinds.ts';
import { option } from '../option.ts';
import { runtimes, ulimits } from '../structured.ts';

export const containerOptions = {
  cgroupParent: option('cgroup-parent', {
    kind: text(),
    default: '',
    help: 'Set parent cgroup for all containers',
    built: true,
  }),
  cpuRtPeriod: option('cpu-rt-period', {
    kind: integer(0),
    default: 0,
    help: 'Limit the CPU real-time period in microseconds for the parent cgroup for all containers',
  }),
  cpuRtRuntime: option('cpu-rt-runtime', {
    kind: integer(0),
    default: 0,
    help: 'Limit the CPU real-time runtime in microseconds for the parent cgroup for all containers',
  }),
  defaultCgroupnsMode: option('default-cgroupns-mode', {
    kind: oneOf('host', 'private'),
    // '' leaves the choice to the engine, as Docker does: private on cgroup v2, host on v1.
    default: '',
    help: 'Default mode for containers cgroup namespace ("host" | "private")',
    built: true,
  }),
  defaultIpcMode: option('default-ipc-mode', {
    kind: oneOf('shareable', 'private'),
    default: 'private',
    help: 'Default mode for containers ipc ("shareable" | "private")',
    built: true,
  }),
  runtimes: option('add-runtime', {
    key: 'runtimes',
    kind: runtimes,
    default: {},
    help: 'Register an additional OCI compatible runtime',
    reloadable: true,
  }),
  defaultRuntime: option('default-runtime', {
    kind: text(),
    default: 'runc',
    help: 'Default OCI runtime for containers',
    reloadable: true,
  }),
  defaultShmSize: option('default-shm-size', {
    kind: bytes,
    default: 64 * 1024 * 1024,
    help: 'Default shm size for containers (default 64MiB)',
    reloadable: true,
    built: true,
  }),
  defaultStopTimeout: option('default-stop-timeout', {
    kind: integer(0),
    default: 10,
    help: 'Set the default container stop timeout in seconds (0 to terminate immediately)',
    reloadable: true,
  }),
  defaultUlimits: option('default-ulimit', {
    key: 'default-ulimits',
    kind: ulimits,
    default: {},
    help: 'Default ulimits for containers',
    built: true,
  }),
  execOpts: option('exec-opt', {
    key: 'exec-opts',
    kind: list(),
    default: [],
    help: 'Runtime execution options',
  }),
  init: option('init', {
    kind: boolean,
    default: false,
    help: 'Run an init in the container to forward signals and reap processes',
    built: true,
  }),
  initPath: option('init-path', {
    kind: text(),
    default: '',
    help: 'Path to the docker-init binary',
    built: true,
  }),
  logDriver: option('log-driver', {
    kind: text(),
    default: 'json-file',
    help: 'Default driver for container logs',
    built: true,
  }),
  logOpts: option('log-opt', {
    key: 'log-opts',
    kind: strings,
    default: {},
    help: 'Default log driver options for containers',
    built: true,
  }),
  noNewPrivileges: option('no-new-privileges', {
    kind: boolean,
    default: false,
    help: 'Set no-new-privileges by default for new containers',
    built: true,
  }),
  seccompProfile: option('seccomp-profile', {
    kind: text(),
    default: 'builtin',
    help: 'Path to seccomp profile. Set to "unconfined" to disable the default seccomp profile',
    built: true,
  }),
  selinuxEnabled: option('selinux-enabled', {
    kind: boolean,
    default: false,
    help: 'Enable selinux support',
  }),
  usernsRemap: option('userns-remap', {
    kind: text(),
    default: '',
    help: 'User/Group setting for user namespaces',
  }),
  cdiSpecDirs: option('cdi-spec-dir', {
    key: 'cdi-spec-dirs',
    kind: list(),
    default: [],
    help: 'CDI specification directories to use',
  }),
};
