/** Where the members of the structures of recvmmsg(2) and sendmmsg(2) are, in bytes. */

/**
 * `struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; }` with `struct msghdr { void *name; socklen_t namelen;
 * struct iovec *iov; size_t iovlen; void *control; size_t controllen; int flags; }`, 64-bit.
 */
export const MMSGHDR = {
  size: 64,
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  length: 56,
};
/** `struct iovec { void *iov_base; size_t iov_len; }` */
export const IOVEC = { size: 16, base: 0, length: 8 };
