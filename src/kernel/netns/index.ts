/** Network namespaces: make, remove, open, and act inside. */
export {
  currentNetnsInode,
  type NetnsHandle,
  netnsInode,
  openCurrentNetns,
  openNetns,
} from './handle.ts';
export {
  bindOwnNetns,
  createNetns,
  prepareNetnsDirectory,
  releaseNetnsDirectory,
  removeNetns,
} from './lifecycle.ts';
export { warmThreadPool, withNetns } from './section.ts';
