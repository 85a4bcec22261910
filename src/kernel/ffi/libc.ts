/**
 * The C library as Bridgeport uses it, through koffi. Nothing outside `src/kernel/ffi` imports koffi.
 *
 * To add a function: one line in `PROTOTYPES` (C, with fixed argument types: none of ours passes a float, so a variadic
 * prototype is called the same way on x86-64 and arm64 Linux), one line in `Libc`. Structures are not described to koffi:
 * callers lay them out in a `Buffer`, which is faster and can be tested without a call.
 *
 * A `Buffer` given as `void *` is read and written in place. The 64-bit results arrive as `number`.
 */
import koffi from 'koffi';
import { errnoError } from './errno.ts';

const PROTOTYPES = {
  // files and pipes
  open: 'int open(const char *path, int flags, uint32_t mode)',
  close: 'int close(int fd)',
  read: 'int64_t read(int fd, void *buffer, size_t length)',
  write: 'int64_t write(int fd, const void *buffer, size_t length)',
  dup: 'int dup(int fd)',
  fcntl: 'int fcntl(int fd, int command, int64_t argument)',
  flock: 'int flock(int fd, int operation)',
  ioctl: 'int ioctl(int fd, uint64_t request, void *argument)',
  pipe2: 'int pipe2(void *fds, int flags)',
  eventfd: 'int eventfd(unsigned int initial, int flags)',
  memfd_create: 'int memfd_create(const char *name, unsigned int flags)',
  mkfifo: 'int mkfifo(const char *path, uint32_t mode)',
  mknod: 'int mknod(const void *path, uint32_t mode, uint64_t device)',
  fgetxattr: 'int64_t fgetxattr(int fd, const char *name, void *value, size_t size)',
  fsetxattr: 'int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)',
  // The C library has no function for openat2(2) before glibc 2.42: the first argument is its number.
  openat2: 'int64_t syscall(int64_t number, int64_t directory, const void *path, void *how, size_t size)',
  splice:
    'int64_t splice(int fd_in, void *offset_in, int fd_out, void *offset_out, size_t length, unsigned int flags)',
  // memory
  malloc_trim: 'int malloc_trim(size_t keep)',
  // sockets
  socket: 'int socket(int domain, int type, int protocol)',
  socketpair: 'int socketpair(int domain, int type, int protocol, void *fds)',
  bind: 'int bind(int fd, const void *address, uint32_t length)',
  listen: 'int listen(int fd, int backlog)',
  connect: 'int connect(int fd, const void *address, uint32_t length)',
  accept4: 'int accept4(int fd, void *address, void *length, int flags)',
  shutdown: 'int shutdown(int fd, int how)',
  setsockopt: 'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)',
  getsockopt: 'int getsockopt(int fd, int level, int option, void *value, void *length)',
  getsockname: 'int getsockname(int fd, void *address, void *length)',
  getpeername: 'int getpeername(int fd, void *address, void *length)',
  send: 'int64_t send(int fd, const void *buffer, size_t length, int flags)',
  recv: 'int64_t recv(int fd, void *buffer, size_t length, int flags)',
  sendto:
    'int64_t sendto(int fd, const void *buffer, size_t length, int flags, const void *address, uint32_t address_length)',
  recvfrom:
    'int64_t recvfrom(int fd, void *buffer, size_t length, int flags, void *address, void *address_length)',
  sendmsg: 'int64_t sendmsg(int fd, const void *message, int flags)',
  recvmsg: 'int64_t recvmsg(int fd, void *message, int flags)',
  // readiness
  epoll_create1: 'int epoll_create1(int flags)',
  epoll_ctl: 'int epoll_ctl(int epfd, int operation, int fd, void *event)',
  epoll_wait: 'int epoll_wait(int epfd, void *events, int maxevents, int timeout)',
  epoll_pwait2:
    'int epoll_pwait2(int epfd, void *events, int maxevents, const void *timeout, const void *signals)',
  poll: 'int poll(void *fds, uint64_t count, int timeout)',
  // namespaces and mounts
  unshare: 'int unshare(int flags)',
  setns: 'int setns(int fd, int nstype)',
  mount:
    'int mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data)',
  umount2: 'int umount2(const char *target, int flags)',
  open_tree: 'int open_tree(int directory, const char *path, unsigned int flags)',
  chroot: 'int chroot(const char *path)',
  fchdir: 'int fchdir(int fd)',
  // processes
  getpid: 'int getpid()',
  gettid: 'int gettid()',
  kill: 'int kill(int pid, int signal)',
  waitpid: 'int waitpid(int pid, void *status, int options)',
  // Gives the errno, and -1 never.
  posix_spawn:
    'int posix_spawn(void *pid, const char *path, const void *actions, const void *attributes, const void *argv, const void *envp)',
  posix_spawn_file_actions_init: 'int posix_spawn_file_actions_init(void *actions)',
  posix_spawn_file_actions_adddup2: 'int posix_spawn_file_actions_adddup2(void *actions, int fd, int new_fd)',
  posix_spawn_file_actions_destroy: 'int posix_spawn_file_actions_destroy(void *actions)',
  prctl: 'int prctl(int option, uint64_t arg2, uint64_t arg3, uint64_t arg4, uint64_t arg5)',
  syscall: 'int64_t syscall(int64_t number, int64_t arg1, int64_t arg2, int64_t arg3, int64_t arg4)',
  abort: 'void abort()',
} as const;

/** A bound function; `.async` runs it on a libuv pool thread (see `callAsync()`). */
type Native<F extends (...args: never[]) => unknown> = F & {
  async(...args: [...Parameters<F>, (error: unknown, result: ReturnType<F>) => void]): void;
};

type Path = string;
/** What `void *` takes: memory of ours, an address inside it (`addressOf()`), or NULL. */
export type Pointer = Uint8Array | bigint | null;

/** Every function returns what C returns (-1 on failure) and leaves errno to be read at once by `lastErrno()`. */
export interface Libc {
  open: Native<(path: Path, flags: number, mode: number) => number>;
  close: Native<(fd: number) => number>;
  read: Native<(fd: number, buffer: Pointer, length: number) => number>;
  write: Native<(fd: number, buffer: Pointer, length: number) => number>;
  dup: Native<(fd: number) => number>;
  fcntl: Native<(fd: number, command: number, argument: number) => number>;
  flock: Native<(fd: number, operation: number) => number>;
  ioctl: Native<(fd: number, request: number, argument: Pointer) => number>;
  pipe2: Native<(fds: Pointer, flags: number) => number>;
  eventfd: Native<(initial: number, flags: number) => number>;
  memfd_create: Native<(name: string, flags: number) => number>;
  mkfifo: Native<(path: Path, mode: number) => number>;
  /** Paths as bytes end with a NUL. */
  mknod: Native<(path: Pointer, mode: number, device: number) => number>;
  fgetxattr: Native<(fd: number, name: string, value: Pointer, size: number) => number>;
  fsetxattr: Native<(fd: number, name: string, value: Pointer, size: number, flags: number) => number>;
  openat2: Native<(number: number, directory: number, path: Pointer, how: Pointer, size: number) => number>;
  splice: Native<
    (
      fdIn: number,
      offsetIn: Pointer,
      fdOut: number,
      offsetOut: Pointer,
      length: number,
      flags: number,
    ) => number
  >;
  malloc_trim: Native<(keep: number) => number>;
  socket: Native<(domain: number, type: number, protocol: number) => number>;
  socketpair: Native<(domain: number, type: number, protocol: number, fds: Pointer) => number>;
  bind: Native<(fd: number, address: Pointer, length: number) => number>;
  listen: Native<(fd: number, backlog: number) => number>;
  connect: Native<(fd: number, address: Pointer, length: number) => number>;
  accept4: Native<(fd: number, address: Pointer, length: Pointer, flags: number) => number>;
  shutdown: Native<(fd: number, how: number) => number>;
  setsockopt: Native<(fd: number, level: number, option: number, value: Pointer, length: number) => number>;
  getsockopt: Native<(fd: number, level: number, option: number, value: Pointer, length: Pointer) => number>;
  getsockname: Native<(fd: number, address: Pointer, length: Pointer) => number>;
  getpeername: Native<(fd: number, address: Pointer, length: Pointer) => number>;
  send: Native<(fd: number, buffer: Pointer, length: number, flags: number) => number>;
  recv: Native<(fd: number, buffer: Pointer, length: number, flags: number) => number>;
  sendto: Native<
    (
      fd: number,
      buffer: Pointer,
      length: number,
      flags: number,
      address: Pointer,
      addressLength: number,
    ) => number
  >;
  recvfrom: Native<
    (
      fd: number,
      buffer: Pointer,
      length: number,
      flags: number,
      address: Pointer,
      addressLength: Pointer,
    ) => number
  >;
  sendmsg: Native<(fd: number, message: Pointer, flags: number) => number>;
  recvmsg: Native<(fd: number, message: Pointer, flags: number) => number>;
  epoll_create1: Native<(flags: number) => number>;
  epoll_ctl: Native<(epfd: number, operation: number, fd: number, event: Pointer) => number>;
  epoll_wait: Native<(epfd: number, events: Pointer, maxEvents: number, timeout: number) => number>;
  epoll_pwait2: Native<
    (epfd: number, events: Pointer, maxEvents: number, timeout: Pointer, signals: Pointer) => number
  >;
  poll: Native<(fds: Pointer, count: number, timeout: number) => number>;
  unshare: Native<(flags: number) => number>;
  setns: Native<(fd: number, nstype: number) => number>;
  mount: Native<
    (source: Path | null, target: Path, type: string | null, flags: number, data: string | null) => number
  >;
  umount2: Native<(target: Path, flags: number) => number>;
  open_tree: Native<(directory: number, path: Path, flags: number) => number>;
  chroot: Native<(path: Path) => number>;
  fchdir: Native<(fd: number) => number>;
  getpid: Native<() => number>;
  gettid: Native<() => number>;
  kill: Native<(pid: number, signal: number) => number>;
  waitpid: Native<(pid: number, status: Pointer, options: number) => number>;
  posix_spawn: Native<
    (pid: Pointer, path: Path, actions: Pointer, attributes: Pointer, argv: Pointer, envp: Pointer) => number
  >;
  posix_spawn_file_actions_init: Native<(actions: Pointer) => number>;
  posix_spawn_file_actions_adddup2: Native<(actions: Pointer, fd: number, newFd: number) => number>;
  posix_spawn_file_actions_destroy: Native<(actions: Pointer) => number>;
  prctl: Native<(option: number, arg2: number, arg3: number, arg4: number, arg5: number) => number>;
  /** For calls the C library has no function for (yet), with number arguments only. */
  syscall: Native<(number: number, arg1: number, arg2: number, arg3: number, arg4: number) => number>;
  abort: Native<() => void>;
}

// Not state: one immutable binding per process, made at the first call, so that importing a pure module that happens
// to share a file with a caller neither loads the native library nor costs start-up time.
let bound: Libc | undefined;

/** The bound C library. Hot loops keep the result in a local. */
export function libc(): Libc {
  if (bound === undefined) {
    const library = koffi.load('libc.so.6');
    const entries = Object.entries(PROTOTYPES).map(([name, prototype]) => [name, library.func(prototype)]);
    bound = Object.freeze(Object.fromEntries(entries)) as Libc;
  }
  return bound;
}

/** errno of the last call. Read it before anything else is called: Node's own system calls overwrite it. */
export function lastErrno(): number {
  return koffi.errno();
}

/** The address of a buffer's first byte, to be written into a structure. The caller keeps the buffer alive. */
export function addressOf(buffer: Uint8Array): bigint {
  return koffi.address(buffer);
}

/**
 * Passes a result through, or throws the error of errno when it is negative.
 *
 * @param action what was tried and with which value: `bind 0.0.0.0:8080`; a function when making it costs something
 */
export function check(result: number, action: string | (() => string)): number {
  if (result >= 0) return result;
  const errno = lastErrno();
  throw errnoError(typeof action === 'string' ? action : action(), errno);
}

/**
 * Runs a bound function on a libuv pool thread: `callAsync(libc().send, fd, buffer, length, 0)`. The result is C's own,
 * with the errno of that thread beside it. The call cannot be interrupted, and holds one of four pool threads
 * meanwhile: only for calls that surely end.
 */
export function callAsync<A extends unknown[]>(
  native: { async(...args: [...A, (error: unknown, result: number) => void]): void },
  ...args: A
): Promise<{ result: number; errno: number }> {
  return new Promise((resolve, reject) => {
    native.async(...args, (error, result) => {
      const errno = lastErrno();
      if (error) reject(error);
      else resolve({ result, errno });
    });
  });
}
