/**
 * The port keeper under everything at once: thousands of connections held, others that come and end in every way, bulk both
 * ways, and sudden deaths. `TORTURE_SECONDS=600 node --test src/proxy/torture.root.test.ts` is the long form: a gigabyte each way
 * and ten minutes; without it, what fits into the suite.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setOpenFileLimit } from '../kernel/ffi/resource.ts';
import {
  connect,
  digestAll,
  HOST,
  type Lab,
  listen,
  makeLab,
  SERVER,
  type TestKeeper,
  tcp,
} from './testing/lab.ts';

const SECONDS = Number(process.env.TORTURE_SECONDS ?? 4);
/** Files that this process and the keeper may open; a connection takes two of each. */
const DESCRIPTORS = setOpenFileLimit({ least: 1 << 16 });
/** Connections that are held: fewer only where the limit of open files is low and may not be raised. */
const HELD = Math.min(10_000, (DESCRIPTORS - 1000) >> 1);
const BATCH = 500;
/** Bytes of the bulk transfer, each way. */
const BULK = SECONDS < 60 ? 64 << 20 : 1 << 30;
/** Connections of a wave, and the most bytes one of them sends. */
const WAVE = 120;
const MOST_BYTES = 200_000;
/** Growth that is no leak: V8 sizes its heap by what was in use lately, and the kernel's buffers are not in there. */
const SLACK_MB = 24;

const PORTS = { held: 8080, churn: 8081, bulk: 8082, returned: 8083 };
const MAPPINGS = Object.values(PORTS).map((hostPort) => tcp({ hostPort, targetPort: hostPort }));

/** Numbers in [0, 1) from a seed (mulberry32), so that a failure can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(20_15);

/** Anonymous memory: what a process has made, not what it shares with the file it runs. */
function memoryOf({ process: { pid } }: TestKeeper): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return (Number(/^Anonymous: +(\d+) kB/m.exec(text)?.[1]) * 1024) / 1e6;
}

/** A connection that is held, and its other end. */
interface Held {
  readonly socket: Socket;
  /** Asks and compares the answer, which the server makes of the question. */
  ask(): Promise<void>;
  /** Resolves when it has ended, whichever way. */
  readonly ended: Promise<unknown>;
}

describe('The port keeper, tortured', { timeout: SECONDS * 2000 + 120_000 }, () => {
  let lab: Lab;
  let keeper: TestKeeper;
  const servers: Server[] = [];
  const held: Held[] = [];
  /** Ends of held connections at the server that are open. */
  let heldAtServer = 0;
  /** Whether held connections may end. */
  let endIsDue = false;
  let early = 0;
  /** What the latest bulk transfer brought to the server, or what broke it. */
  let bulkAtServer: Promise<unknown> = Promise.resolve();
  let memory = 0;

  const stats = () => keeper.must({ op: 'stats' });
  const askAll = () => Promise.all(held.map((connection) => connection.ask()));

  before(async () => {
    lab = await makeLab();
    keeper = await lab.startKeeper();
    const serve = async (port: number, onConnection: (socket: Socket) => void) => {
      servers.push(await listen(lab.server, SERVER, port, onConnection));
    };
    await serve(PORTS.held, (socket) => {
      heldAtServer++;
      socket.on('data', (data) => socket.write(`you are ${data}`));
      socket.on('end', () => socket.end());
      socket.on('close', () => heldAtServer--);
    });
    await serve(PORTS.churn, endAsTold);
    await serve(PORTS.bulk, (socket) => {
      const work = Promise.all([digestAll(socket), sendBulk(socket, 'down')]);
      bulkAtServer = work.then(
        ([received]) => received,
        (error) => error,
      );
    });
    await serve(PORTS.returned, (socket) => socket.end('here again'));
    await keeper.must({ op: 'set', mappings: MAPPINGS });
  });
  after(async () => {
    endIsDue = true;
    for (const { socket } of held) socket.destroy();
    for (const server of servers) server.close();
    await lab[Symbol.asyncDispose]();
  });

  it(`holds ${HELD} connections, each of which gets its own answers`, async () => {
    // Fewer at a time than a backlog takes (net.core.somaxconn): one that stays full for long loses connections.
    while (held.length < HELD) {
      const batch = Array.from({ length: Math.min(BATCH, HELD - held.length) }, (_, index) =>
        hold(connect(lab.client, HOST, PORTS.held), `${held.length + index}`),
      );
      held.push(...batch);
      await Promise.all(batch.map((connection) => connection.ask()));
    }
    await askAll();
    const { tcp: counted, descriptors } = await stats();
    assert.equal(counted.active, HELD);
    assert.ok(descriptors.limit >= DESCRIPTORS, `only ${descriptors.limit} descriptors`);
    memory = memoryOf(keeper);
  });

  it('meanwhile others end in every way, and bulk comes through whole both ways', async () => {
    const until = performance.now() + SECONDS * 1000;
    const bulk = transfer();
    // The first waves bring the heap to its working size.
    for (let count = 0; count < 3; count++) await wave();
    const working = memoryOf(keeper);
    let waves = 0;
    while (performance.now() < until || waves < 3) {
      await wave();
      waves++;
    }
    await bulk;
    await untilActive(HELD);
    await askAll();
    const grown = memoryOf(keeper) - working;
    assert.ok(grown < SLACK_MB, `${grown.toFixed(1)} MB more after ${waves} waves`);
    assert.equal(early, 0, 'none of the held ones has ended');
  });

  it('a daemon that is killed in the middle of a request takes nothing with it', async () => {
    const bulk = transfer();
    const path = `${lab.directory}/keeper-0.sock`;
    const request = '{"seq":1,"op":"set","mappings":[]}';
    // Stands for the daemon: it has asked for something, gone half way through the next request, and is killed.
    const script = `const s = require('node:net').connect(${JSON.stringify(path)});
      s.write('{"seq":0,"op":"ping"}\\n' + ${JSON.stringify(request.slice(0, -3))});
      s.once('data', () => console.log('asked')); setInterval(() => {}, 1000);`;
    const daemon = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(daemon.stdout, 'data');
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
    await Promise.all([wave(), bulk]);
    await untilActive(HELD);
    await askAll();
    assert.equal(early, 0);
    assert.deepEqual(
      (await keeper.must({ op: 'list' })).mappings.map(({ id }) => id).sort(),
      MAPPINGS.map(({ id }) => id).sort(),
    );
  });

  it('when it is killed itself, every connection ends at both ends, and the next one has the ports', async () => {
    endIsDue = true;
    const unfinished = connect(lab.client, HOST, PORTS.bulk);
    unfinished.on('error', () => {});
    const bulkEnded = closed(unfinished);
    unfinished.write(Buffer.alloc(8 << 20));
    await once(unfinished, 'data');
    await keeper.kill();
    await Promise.all(held.map(({ ended }) => ended));
    unfinished.destroy();
    await bulkEnded;
    assert.ok(
      (await bulkAtServer) instanceof Error,
      'a transfer that is cut short is not taken for a whole one',
    );
    for (const { socket } of held) socket.destroy();
    while (heldAtServer > 0) await sleep(10);
    keeper = await lab.startKeeper();
    await keeper.must({ op: 'set', mappings: MAPPINGS });
    const { length } = await digestAll(connect(lab.client, HOST, PORTS.returned));
    assert.equal(length, 'here again'.length);
    assert.ok(memoryOf(keeper) < memory, 'and it begins small');
  });

  function hold(socket: Socket, word: string): Held {
    let answered: ((text: string) => void) | undefined;
    const ended = closed(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => answered?.(String(data)));
    socket.on('end', () => {
      if (!endIsDue) early++;
      socket.destroy();
    });
    return {
      socket,
      ended,
      async ask() {
        const answer = new Promise<string>((resolve, reject) => {
          answered = resolve;
          void ended.then(() => reject(new Error(`held connection ${word} has ended`)));
        });
        socket.write(word);
        assert.equal(await answer, `you are ${word}`);
      },
    };
  }

  /** Many connections at once, each with as many bytes and ended as chance will have it. */
  async function wave(): Promise<void> {
    const closings: Array<(socket: Socket) => unknown> = [
      (socket) => socket.end(),
      (socket) => socket.destroy(),
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.once('data', () => socket.end()),
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      (socket) => socket.once('end', () => socket.end()),
    ];
    const ends = Array.from({ length: WAVE }, () => {
      const socket = connect(lab.client, HOST, PORTS.churn);
      socket.on('error', () => {});
      const how = 'redw'[Math.floor(random() * 4)]!;
      socket.write(how + 'x'.repeat(Math.floor(random() * MOST_BYTES)));
      closings[Math.floor(random() * closings.length)]!(socket.resume());
      // Of two that wait for one another to end first, one has to give in.
      const patience = setTimeout(() => socket.destroy(), 100 + random() * 200);
      return closed(socket).finally(() => clearTimeout(patience));
    });
    await Promise.all(ends);
  }

  /** Bulk both ways at once over one connection, compared by checksum at both ends. */
  async function transfer(): Promise<void> {
    const socket = connect(lab.client, HOST, PORTS.bulk);
    const [received] = await Promise.all([digestAll(socket), sendBulk(socket, 'up')]);
    assert.deepEqual(received, bulkDigest('down'));
    assert.deepEqual(await bulkAtServer, bulkDigest('up'));
  }

  async function untilActive(count: number): Promise<void> {
    // The test's own timeout is the limit.
    while ((await stats()).tcp.active !== count) await sleep(20);
  }
});

/** The churn's server: the first byte says how it is to end the connection. */
function endAsTold(socket: Socket): void {
  socket.once('data', (data) => {
    const how = String.fromCharCode(data[0]!);
    if (how === 'r') socket.resetAndDestroy();
    else if (how === 'e') socket.end(data);
    else if (how === 'd') socket.destroy();
    else socket.on('end', () => socket.end()).write(data);
    socket.resume();
  });
}

/** Block `number` of a bulk transfer: no two are alike, so that one which is lost, doubled or out of place shows. */
function bulkBlock(direction: 'up' | 'down', number: number): Buffer {
  const block = Buffer.alloc(1 << 20, `${direction} ${number} `);
  block.writeUInt32LE(number, 0);
  return block;
}

async function sendBulk(socket: Socket, direction: 'up' | 'down'): Promise<void> {
  for (let number = 0; number < BULK >> 20; number++) {
    if (!socket.write(bulkBlock(direction, number))) await once(socket, 'drain');
  }
  socket.end();
}

/** Resolves when the socket is closed, after an error as well (`once()` would throw that). */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

const digests = new Map<string, { length: number; digest: string }>();

function bulkDigest(direction: 'up' | 'down'): { length: number; digest: string } {
  let known = digests.get(direction);
  if (known === undefined) {
    const hash: Hash = createHash('sha256');
    for (let number = 0; number < BULK >> 20; number++) hash.update(bulkBlock(direction, number));
    known = { length: BULK, digest: hash.digest('hex') };
    digests.set(direction, known);
  }
  return known;
}
