/**
 * containerd.services.tasks.v1: what runs.
 *
 * ## How the shim treats a process's streams (containerd-shim-runc-v2 of 1.6.20; found by experiment)
 *
 * The paths of `TaskIo` are opened by the shim, in `create()` for the init process and in `start()` for an exec, after
 * `runc create`. What is allowed:
 *
 * - stdout and stderr: both or neither, except with a terminal, which has no stderr. One alone fails with
 *   `opening file ""`. The same path twice is fine (the order of the two is then that of arrival). With neither, output
 *   goes to /dev/null.
 * - FIFOs must exist. The shim opens each `O_WRONLY`, *which blocks `create()` until someone opens the other end* (and
 *   fails it after 30 s), then opens it `O_RDONLY` itself. So open the reading end first, `O_RDONLY|O_NONBLOCK`.
 * - Because the shim holds a reading end too, a reader that goes away does the container no harm: no SIGPIPE; what it
 *   writes waits in the pipe (64 KiB unless F_SETPIPE_SZ says more), and when that is full the container waits. A reader that
 *   comes back finds everything, in order. The same with a terminal.
 * - When the process ends the shim copies what is left and closes both its ends. End of file is thus the sign that all
 *   output came. *If nobody has the reading end open at that moment, what is in the pipe is lost*: to lose nothing,
 *   somebody must hold it, or a regular file be given instead.
 * - The exit event and `wait()` do not wait for the copying. `delete()` does, for at most 2 s; then it drops what is left.
 *   So read to end of file before `delete()`.
 * - A path to a regular file that exists works as well: without a terminal it is opened `O_WRONLY|O_APPEND`, with
 *   one `O_WRONLY` (neither truncates, both write as it comes). Nothing blocks, nothing is lost, no reader is needed.
 * - `file:///path` makes the file and its directory and appends stdout and stderr to that one file; not with a terminal.
 * - `binary:///path?key=value` starts that program per process with stdout on its fd 3, stderr on fd 4, and fd 5 to be
 *   closed when it is ready; CONTAINER_ID and CONTAINER_NAMESPACE are in its environment, the query in its arguments. It
 *   works with a terminal too. It gets SIGTERM when the task is deleted.
 * - stdin must be a FIFO. It is opened without blocking `create()`. The shim holds a writing end, so the process
 *   sees no end of file when we close ours: that takes `closeStdin()`; what was written before it is still delivered. With
 *   a terminal `closeStdin()` hangs the terminal up: send ^D instead.
 *
 * A failed `create()` leaves nothing behind. A failed start of an exec leaves it `created`: `deleteProcess()` removes it.
 */

import { internal } from '../../base/errors.ts';
import type {
  CallOptions,
  ExecCreate,
  ExecOption,
  ExitStatus,
  RuncOptions,
  TaskCreate,
  TaskProcess,
  TaskStatus,
  Tasks,
} from './api.ts';
import { type Caller, service } from './caller.ts';
import { type CgroupMetrics, decodeMetrics } from './metrics.ts';
import {
  any,
  bool,
  empty,
  field,
  int,
  message,
  type Of,
  repeated,
  string,
  sub,
  subs,
  timestamp,
} from './protobuf.ts';
import { encodeRuncOptions } from './runc-options.ts';
import { ContainerdError, isStatus } from './status.ts';
import { mountMessage, ociDocument, toDate } from './types.ts';

/** enum Status { UNKNOWN = 0; CREATED = 1; RUNNING = 2; STOPPED = 3; PAUSED = 4; PAUSING = 5; } */
const STATUSES: readonly TaskStatus[] = ['unknown', 'created', 'running', 'stopped', 'paused', 'pausing'];

const process = message({
  containerId: field(1, string),
  id: field(2, string),
  pid: field(3, int),
  status: field(4, int),
  stdin: field(5, string),
  stdout: field(6, string),
  stderr: field(7, string),
  terminal: field(8, bool),
  exitStatus: field(9, int),
  exitedAt: field(10, timestamp),
});

const taskRequest = message({ containerId: field(1, string) });
const execRequest = message({ containerId: field(1, string), execId: field(2, string) });
const pidResponse = message({ pid: field(1, int) });
const deleteResponse = message({
  id: field(1, string),
  pid: field(2, int),
  exitStatus: field(3, int),
  exitedAt: field(4, timestamp),
});

const method = service('containerd.services.tasks.v1.Tasks');
const Create = method(
  'Create',
  message({
    containerId: field(1, string),
    rootfs: subs(3, mountMessage),
    stdin: field(4, string),
    stdout: field(5, string),
    stderr: field(6, string),
    terminal: field(7, bool),
    options: sub(9, any),
  }),
  message({ containerId: field(1, string), pid: field(2, int) }),
);
const Start = method('Start', execRequest, pidResponse);
const Delete = method('Delete', taskRequest, deleteResponse);
const DeleteProcess = method('DeleteProcess', execRequest, deleteResponse);
const Get = method('Get', execRequest, message({ process: sub(1, process) }));
const List = method('List', message({ filter: field(1, string) }), message({ tasks: subs(1, process) }));
const Kill = method(
  'Kill',
  message({
    containerId: field(1, string),
    execId: field(2, string),
    signal: field(3, int),
    all: field(4, bool),
  }),
  empty,
);
const Exec = method(
  'Exec',
  message({
    containerId: field(1, string),
    stdin: field(2, string),
    stdout: field(3, string),
    stderr: field(4, string),
    terminal: field(5, bool),
    spec: sub(6, any),
    execId: field(7, string),
  }),
  empty,
);
const ResizePty = method(
  'ResizePty',
  message({
    containerId: field(1, string),
    execId: field(2, string),
    width: field(3, int),
    height: field(4, int),
  }),
  empty,
);
const CloseIO = method(
  'CloseIO',
  message({ containerId: field(1, string), execId: field(2, string), stdin: field(3, bool) }),
  empty,
);
const Pause = method('Pause', taskRequest, empty);
const Resume = method('Resume', taskRequest, empty);
const ListPids = method(
  'ListPids',
  taskRequest,
  message({ processes: subs(1, message({ pid: field(1, int) })) }),
);
const Update = method('Update', message({ containerId: field(1, string), resources: sub(2, any) }), empty);
const Metrics = method(
  'Metrics',
  message({ filters: repeated(1, string) }),
  message({
    metrics: subs(1, message({ timestamp: field(1, timestamp), id: field(2, string), data: sub(3, any) })),
  }),
);
const Wait = method(
  'Wait',
  execRequest,
  message({ exitStatus: field(1, int), exitedAt: field(2, timestamp) }),
);

export class TasksService implements Tasks {
  readonly #caller: Caller;
  readonly #runc: RuncOptions;

  constructor(caller: Caller, runc: RuncOptions) {
    this.#caller = caller;
    this.#runc = runc;
  }

  async create(task: TaskCreate): Promise<{ pid: number }> {
    const { containerId, rootfs, stdin, stdout, stderr, terminal, runc } = task;
    const options = runc && encodeRuncOptions({ ...this.#runc, ...runc });
    const request = { containerId, rootfs, stdin, stdout, stderr, terminal, options };
    const { pid } = await this.#caller.call(Create, `create task "${containerId}"`, request, task);
    return { pid };
  }

  async start(containerId: string, options: CallOptions & ExecOption = {}): Promise<{ pid: number }> {
    const { execId } = options;
    return this.#caller.call(Start, `start ${named(containerId, execId)}`, { containerId, execId }, options);
  }

  async delete(containerId: string, options?: CallOptions): Promise<ExitStatus & { pid: number }> {
    const action = `delete task "${containerId}"`;
    try {
      return toExit(await this.#caller.call(Delete, action, { containerId }, options));
    } catch (error) {
      // The shim's words arrive as UNKNOWN, though its meaning is plain.
      if (isStatus(error, 'UNKNOWN') && error.detail.includes('cannot delete a running process'))
        throw new ContainerdError(action, 'FAILED_PRECONDITION', error.detail, error);
      throw error;
    }
  }

  async deleteProcess(
    containerId: string,
    execId: string,
    options?: CallOptions,
  ): Promise<ExitStatus & { pid: number }> {
    const action = `delete ${named(containerId, execId)}`;
    return toExit(await this.#caller.call(DeleteProcess, action, { containerId, execId }, options));
  }

  async get(containerId: string, options: CallOptions & ExecOption = {}): Promise<TaskProcess> {
    const { execId } = options;
    const action = `get ${named(containerId, execId)}`;
    const answer = await this.#caller.call(Get, action, { containerId, execId }, options);
    return { ...toProcess(answer.process!), containerId };
  }

  async list(options?: CallOptions): Promise<TaskProcess[]> {
    const answer = await this.#caller.call(List, 'list tasks', {}, options);
    return answer.tasks.map(toProcess);
  }

  async kill(
    containerId: string,
    signal: number,
    options: CallOptions & ExecOption & { all?: boolean } = {},
  ): Promise<void> {
    const { execId, all } = options;
    const action = `send signal ${signal} to ${named(containerId, execId)}`;
    await this.#caller.call(Kill, action, { containerId, execId, signal, all }, options);
  }

  async exec(containerId: string, exec: ExecCreate): Promise<void> {
    const { execId, stdin, stdout, stderr, terminal } = exec;
    const spec = ociDocument('Process', exec.process);
    const request = { containerId, execId, stdin, stdout, stderr, terminal, spec };
    await this.#caller.call(Exec, `add ${named(containerId, execId)}`, request, exec);
  }

  async wait(containerId: string, options: CallOptions & ExecOption = {}): Promise<ExitStatus> {
    const { execId } = options;
    const action = `wait for ${named(containerId, execId)}`;
    const answer = await this.#caller.callForever(Wait, action, { containerId, execId }, options);
    return { exitStatus: answer.exitStatus, exitedAt: toDate(answer.exitedAt) };
  }

  async pause(containerId: string, options?: CallOptions): Promise<void> {
    await this.#caller.call(Pause, `pause task "${containerId}"`, { containerId }, options);
  }

  async resume(containerId: string, options?: CallOptions): Promise<void> {
    await this.#caller.call(Resume, `resume task "${containerId}"`, { containerId }, options);
  }

  async resizePty(
    containerId: string,
    size: { width: number; height: number },
    options: CallOptions & ExecOption = {},
  ): Promise<void> {
    const { execId } = options;
    const action = `resize terminal of ${named(containerId, execId)} to ${size.width}x${size.height}`;
    await this.#caller.call(ResizePty, action, { containerId, execId, ...size }, options);
  }

  async closeStdin(containerId: string, options: CallOptions & ExecOption = {}): Promise<void> {
    const { execId } = options;
    const action = `close stdin of ${named(containerId, execId)}`;
    await this.#caller.call(CloseIO, action, { containerId, execId, stdin: true }, options);
  }

  async pids(containerId: string, options?: CallOptions): Promise<number[]> {
    const action = `list processes of task "${containerId}"`;
    const answer = await this.#caller.call(ListPids, action, { containerId }, options);
    return answer.processes.map(({ pid }) => pid);
  }

  async update(containerId: string, resources: object, options?: CallOptions): Promise<void> {
    const request = { containerId, resources: ociDocument('LinuxResources', resources) };
    await this.#caller.call(Update, `update resources of task "${containerId}"`, request, options);
  }

  async metrics(containerId: string, options?: CallOptions): Promise<CgroupMetrics> {
    const action = `read metrics of task "${containerId}"`;
    const filters = [`id==${JSON.stringify(containerId)}`];
    const answer = await this.#caller.call(Metrics, action, { filters }, options);
    const found = answer.metrics.find(({ id }) => id === containerId);
    if (found?.data === undefined) throw internal(`${action}: containerd gave none`);
    return decodeMetrics(found.data, toDate(found.timestamp));
  }
}

const named = (containerId: string, execId: string | undefined) =>
  execId ? `exec "${execId}" of task "${containerId}"` : `task "${containerId}"`;

const toExit = (answer: Of<typeof deleteResponse>): ExitStatus & { pid: number } => ({
  pid: answer.pid,
  exitStatus: answer.exitStatus,
  exitedAt: toDate(answer.exitedAt),
});

const toProcess = (found: Of<typeof process>): TaskProcess => ({
  ...found,
  containerId: found.containerId || found.id,
  status: STATUSES[found.status] ?? 'unknown',
  // Go's zero time, year 1, is before the epoch.
  exitedAt: found.exitedAt && found.exitedAt.getTime() > 0 ? found.exitedAt : undefined,
});
