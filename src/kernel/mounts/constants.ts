/** Flags of mount(2) and umount2(2), from linux/mount.h and linux/fs.h. */

/** `#define MS_RDONLY 1` */
export const MS_RDONLY = 1;
/** `#define MS_NOSUID 2` */
export const MS_NOSUID = 2;
/** `#define MS_NODEV 4` */
export const MS_NODEV = 4;
/** `#define MS_NOEXEC 8` */
export const MS_NOEXEC = 8;
/** `#define MS_REMOUNT 32` */
export const MS_REMOUNT = 32;
/** `#define MS_BIND 4096` */
export const MS_BIND = 4096;
/** `#define MS_REC 16384` */
export const MS_REC = 16384;
/** `#define MS_PRIVATE (1<<18)` */
export const MS_PRIVATE = 1 << 18;
/** `#define MS_SLAVE (1<<19)` */
export const MS_SLAVE = 1 << 19;
/** `#define MS_SHARED (1<<20)` */
export const MS_SHARED = 1 << 20;

/** `#define MNT_DETACH 0x00000002`: just detach from the tree */
export const MNT_DETACH = 2;
/** `#define UMOUNT_NOFOLLOW 0x00000008`: don't follow symlink on umount */
export const UMOUNT_NOFOLLOW = 8;
