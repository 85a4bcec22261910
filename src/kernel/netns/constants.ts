/** Constants of namespaces and mounts that this folder uses, each beside its C definition. */

/** `#define CLONE_NEWNET 0x40000000` (linux/sched.h) */
export const CLONE_NEWNET = 0x40000000;
/** `#define NS_GET_NSTYPE _IO(NSIO, 0x3)`, `#define NSIO 0xb7` (linux/nsfs.h) */
export const NS_GET_NSTYPE = 0xb703;

/** `#define O_RDONLY 00000000` (asm-generic/fcntl.h) */
export const O_RDONLY = 0;
/** `#define O_CREAT 00000100` */
export const O_CREAT = 0o100;
/** `#define O_EXCL 00000200` */
export const O_EXCL = 0o200;
/** `#define O_CLOEXEC 02000000` */
export const O_CLOEXEC = 0o2000000;
