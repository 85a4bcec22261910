/** Looks names up as programs do, for explanations: with the files that they see, from the namespace that they are in. */

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { isErrno } from '../kernel/ffi/errno.ts';
import { O_PATH, openInRootSync } from '../kernel/files/index.ts';
import { openCurrentNetns, openNetns } from '../kernel/netns/index.ts';
import { lookUpName } from '../network/dns/index.ts';
import type { EmbeddedResolver, ResolveName } from '../observe/explain/names.ts';
import type { TopologyContainer } from '../observe/topology/records.ts';

/** Bytes of /etc/hosts and /etc/resolv.conf that are read; glibc reads them whole, and nobody's are that long. */
const FILE_LENGTH_MAX = 1 << 20;

/**
 * @param embeddedOf the engine's resolver where it answers for a container. `resolvConf`: what the container has in that file
 */
export function createResolveName(
  embeddedOf: (container: TopologyContainer, resolvConf: string) => EmbeddedResolver | undefined,
): ResolveName {
  return async (container, name) => {
    const process = container === undefined ? 'self' : container.pid;
    const files = readFiles(process);
    using netns = container === undefined ? openCurrentNetns() : openNetns(`/proc/${process}/ns/net`);
    const found = await lookUpName(name, { ...files, netns });
    const embedded = container && embeddedOf(container, files.resolvConf);
    return { ...found, ...(embedded === undefined ? {} : { embedded }) };
  };
}

/** As the process sees them, mounts and links included; it cannot lead us out of its tree. */
function readFiles(process: number | 'self'): { hosts: string; resolvConf: string } {
  const root = openSync(`/proc/${process}/root`, O_PATH | constants.O_DIRECTORY);
  try {
    return { hosts: readIn(root, '/etc/hosts'), resolvConf: readIn(root, '/etc/resolv.conf') };
  } finally {
    closeSync(root);
  }
}

/** Empty for what is not there, or is no file. */
function readIn(root: number, path: string): string {
  let fd: number;
  try {
    // Without O_NONBLOCK a FIFO in its place would hold us up.
    fd = openInRootSync(root, path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO')) return '';
    throw error;
  }
  try {
    if (!fstatSync(fd).isFile()) return '';
    const bytes = Buffer.alloc(FILE_LENGTH_MAX);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
