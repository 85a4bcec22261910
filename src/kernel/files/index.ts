/** Files of trees that are not ours: opened so that nothing leads out of them. */

export { tryLock } from './lock.ts';
export { type DeviceNumber, decodeDevice, encodeDevice, makeNode } from './node.ts';
export { O_PATH, openInRoot, openInRootSync } from './open-in-root.ts';
export { readXattr, writeXattr } from './xattr.ts';
