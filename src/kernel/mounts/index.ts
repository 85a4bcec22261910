/** The mount table, and changing it. */
export {
  bindMount,
  type MountFlags,
  mountFilesystem,
  mountTmpfs,
  type Propagation,
  setPropagation,
  unmount,
  unmountTree,
} from './mount.ts';
export { isMountPoint, listMounts, type Mount, parseMountinfo } from './mountinfo.ts';
export { withMountNamespace, withPrivateMounts } from './section.ts';
