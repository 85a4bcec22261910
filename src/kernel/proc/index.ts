/** What /proc tells: processes, cgroups, the machine. */
export { removeCgroups } from './cgroup-removal.ts';
export {
  type CgroupCapabilities,
  type CgroupLayout,
  readCgroupCapabilities,
  readCgroupLayout,
} from './cgroups.ts';
export { type ConntrackUse, readConntrackUse } from './conntrack.ts';
export { bootId, type HostFacts, parseOsRelease, readHostFacts, readOsRelease } from './host.ts';
export {
  identifyProcess,
  isProcessAlive,
  listPids,
  type ProcessIdentity,
  type ProcessStat,
  readCommandLine,
  readProcessCgroups,
  readProcessStat,
  readProcessStatus,
  signalProcess,
} from './process.ts';
