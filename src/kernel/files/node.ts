/** Devices and FIFOs: mknod(2). */

import { check, libc } from '../ffi/libc.ts';
import { pathBytes } from './open-in-root.ts';

/** @param mode type and permissions, as `stat` gives them; the umask is taken off */
export function makeNode(path: string | Uint8Array, mode: number, device: DeviceNumber): void {
  check(libc().mknod(pathBytes(path), mode, encodeDevice(device)), () => `make device ${path.toString()}`);
}

export interface DeviceNumber {
  major: number;
  minor: number;
}

/** glibc's makedev(3), of which the kernel takes the low 32 bits. */
export function encodeDevice({ major, minor }: DeviceNumber): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x100000;
}

export function decodeDevice(device: number): DeviceNumber {
  return {
    major: Math.floor(device / 0x100) & 0xfff,
    minor: (device & 0xff) + Math.floor(device / 0x100000) * 0x100,
  };
}
