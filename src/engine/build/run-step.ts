/** RUN: a command in a container of its own, whose changes become a layer. */

import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { invalid, isKind, notImplemented } from '../../base/errors.ts';
import { shortId } from '../../base/ids.ts';
import type { ContainerCreateBody } from '../../base/wire/index.ts';
import type { Container } from '../containers/container.ts';
import { deriveFromContainer } from './commit.ts';
import type { Instruction } from './dockerfile.ts';
import type { BuildOutput } from './output.ts';
import { type Build, type StageState, shellCommand, takeStep } from './stage.ts';

/** The command has ended with another status than 0. */
export class RunFailure extends Error {
  readonly exitCode: number;

  constructor(command: readonly string[], exitCode: number) {
    super(`The command '${command.join(' ')}' returned a non-zero code: ${exitCode}`);
    this.exitCode = exitCode;
  }
}

export async function runStep(
  build: Build,
  state: StageState,
  { flags, rest }: Instruction,
  find: (id: string) => Container,
): Promise<void> {
  const [flag] = flags.keys();
  if (flag !== undefined) throw notImplemented(`RUN --${flag} (BuildKit)`);
  const { image } = state;
  if (image === undefined)
    throw invalid('RUN: there is nothing to run a command in: the stage begins FROM scratch');
  const command = shellCommand(state, rest);
  const { Env: env } = state.draft.config;
  const shown = build.args.variables(env ?? [], { shown: true });
  // The arguments make a difference: they are part of what the cache is asked for.
  const cacheCommand = shown.length === 0 ? command : [`|${shown.length}`, ...shown, ...command];
  await takeStep(build, state, cacheCommand, async (step) => {
    const { Id: id } = await build.containers.create(undefined, undefined, {
      ...{ Image: image.id, Cmd: command, Entrypoint: [''], Healthcheck: { Test: ['NONE'] } },
      Env: [...(env ?? []), ...build.args.variables(env ?? [], { shown: false })],
      HostConfig: hostConfigOf(build),
    });
    let isDone = false;
    try {
      // The client may have gone while the container was made: nobody would end it.
      build.signal.throwIfAborted();
      build.output.line(` ---> Running in ${shortId(id)}`);
      const exitCode = await runToEnd(build, id);
      if (exitCode !== 0) throw new RunFailure(command, exitCode);
      const made = await deriveFromContainer(build.context, find(id), build.deriver, {
        ...step,
        signal: build.signal,
      });
      isDone = true;
      return made;
    } finally {
      const { remove, forceRemove } = build.options;
      if (build.signal.aborted || (isDone ? remove : forceRemove)) await removeContainer(build, id);
    }
  });
}

function hostConfigOf({ options }: Build): NonNullable<ContainerCreateBody['HostConfig']> {
  return {
    // What it says goes to the client.
    LogConfig: { Type: 'none', Config: {} },
    NetworkMode: options.networkMode,
    ExtraHosts: options.extraHosts,
    ShmSize: options.shmSize,
    Memory: options.memory,
    MemorySwap: options.memorySwap,
    CpuShares: options.cpuShares,
    CpuPeriod: options.cpuPeriod,
    CpuQuota: options.cpuQuota,
    CpusetCpus: options.cpusetCpus,
    CpusetMems: options.cpusetMems,
    CgroupParent: options.cgroupParent,
    Ulimits: options.ulimits,
    SecurityOpt: options.securityOpt,
  };
}

async function runToEnd({ containers, output, signal }: Build, id: string): Promise<number> {
  const session = await containers.attach(id, {
    ...{ stdin: false, stdout: true, stderr: true, logs: false, stream: true },
    detachKeys: undefined,
  });
  const { result } = await containers.wait(id, 'next-exit', signal);
  // Looked at below, unless the start fails.
  result.catch(() => {});
  const streamed = session.run({
    stdout: textSink(output, (text) => output.text(text)),
    stderr: textSink(output, (text) => output.error(text)),
    signal,
  });
  await containers.start(id);
  const [{ StatusCode, Error: failure }] = await Promise.all([result, streamed]);
  if (failure !== undefined) throw invalid(failure.Message);
  return StatusCode;
}

/** Characters that are cut in two between pieces are put together again. A client that does not read makes the command wait. */
function textSink(output: BuildOutput, write: (text: string) => void): Writable {
  const decoder = new StringDecoder('utf8');
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      const text = decoder.write(piece);
      if (text !== '') write(text);
      void output.room().then(() => done());
    },
  });
}

async function removeContainer({ containers, output }: Build, id: string): Promise<void> {
  try {
    await containers.remove(id, { force: true, volumes: true, link: false });
    output.line(` ---> Removed intermediate container ${shortId(id)}`);
  } catch (error) {
    // Somebody else has.
    if (!isKind(error, 'not-found', 'conflict')) throw error;
  }
}
