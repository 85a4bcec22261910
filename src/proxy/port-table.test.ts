import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ProxyMapping } from '../base/proxy-control.ts';
import { errnoError } from '../kernel/ffi/errno.ts';
import { type BoundPort, PortTable, type Steps } from './port-table.ts';
import type { Route } from './route.ts';

const EADDRINUSE = 98;
const EPHEMERAL = 49153;

const mapping = (id: string, hostPort: number, fields: Partial<ProxyMapping> = {}): ProxyMapping => ({
  id,
  proto: 'tcp',
  hostIp: '0.0.0.0',
  hostPort,
  targetIp: '172.17.0.2',
  targetPort: 80,
  mode: 'forward',
  ...fields,
});

/** All steps of a change. */
function run<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

describe('PortTable', () => {
  let table: PortTable;
  /** What happened to sockets, in order: `+80`, `-80`. */
  let log: string[];
  let taken: Set<number>;
  let ports: Map<number, BoundPort>;

  beforeEach(() => {
    log = [];
    taken = new Set();
    ports = new Map();
    table = new PortTable((_proto, _address, wanted) => {
      const port = wanted === 0 ? EPHEMERAL : wanted;
      if (taken.has(port)) throw errnoError(`bind port ${port}`, EADDRINUSE);
      log.push(`+${port}`);
      const bound = { port, route: undefined as Route | undefined, close: () => log.push(`-${port}`) };
      ports.set(port, bound);
      return bound;
    });
  });

  it('`add()` gives every port of a range its route', () => {
    run(table.add([mapping('web', 8000, { hostPortEnd: 8002 })]));
    assert.deepEqual(log, ['+8000', '+8001', '+8002']);
    assert.deepEqual(table.bindings(), [{ id: 'web', hostPort: 8000, hostPortEnd: 8002 }]);
    assert.equal(ports.get(8002)!.route!.offset + 8002, 82);
    assert.equal(table.size, 3);
  });

  it('`add()` undoes everything when one port is taken, and leaves what stood alone', () => {
    run(table.add([mapping('old', 80)]));
    taken.add(8001).add(8003);
    const route = ports.get(80)!.route;
    assert.throws(() => run(table.add([mapping('old', 81), mapping('new', 8000, { hostPortEnd: 8005 })])), {
      kind: 'conflict',
      errno: 'EADDRINUSE',
      message: 'failed to bind host port 0.0.0.0:8001/tcp: address already in use',
      port: { proto: 'tcp', hostIp: '0.0.0.0', hostPort: 8001 },
      taken: [8001, 8003].map((hostPort) => ({ proto: 'tcp', hostIp: '0.0.0.0', hostPort })),
    });
    const tried = [81, 8000, 8002, 8004, 8005];
    assert.deepEqual(log, ['+80', ...tried.map((port) => `+${port}`), ...tried.map((port) => `-${port}`)]);
    assert.equal(ports.get(80)!.route, route);
    assert.deepEqual(table.mappings(), [mapping('old', 80)]);
    assert.equal(table.size, 1);
  });

  it('`add()` refuses a port of another mapping, and one that is asked for twice', () => {
    run(table.add([mapping('first', 80)]));
    const conflict = { kind: 'conflict', message: /0\.0\.0\.0:80\/tcp: address already in use/ };
    assert.throws(() => run(table.add([mapping('second', 80)])), conflict);
    run(table.remove(['first']));
    assert.throws(() => run(table.add([mapping('first', 80), mapping('second', 80)])), conflict);
    assert.equal(table.size, 0);
  });

  it('a change is made a port at a time; nothing comes by the new ports before all are bound, nor stays of the old', () => {
    run(table.add([mapping('old', 80, { hostPortEnd: 81 })]));
    const steps = table.set([mapping('new', 90, { hostPortEnd: 91 })]);
    steps.next();
    assert.deepEqual(log, ['+80', '+81', '+90']);
    steps.next();
    assert.deepEqual(
      [90, 91].map((port) => ports.get(port)!.route),
      [undefined, undefined],
    );
    steps.next();
    assert.notEqual(ports.get(90)!.route, undefined);
    const late = ports.get(81)!.route!;
    let aborted = 0;
    steps.next();
    steps.next();
    assert.deepEqual(log.slice(4), ['-80']);
    late.passengers(81).add({ seat: -1, abort: () => aborted++ });
    run(steps);
    assert.deepEqual(log.slice(4), ['-80', '-81']);
    assert.equal(aborted, 1, 'what came by a port that was still there');
  });

  it('`set()` keeps unchanged mappings, opens what is missing and closes the rest', () => {
    run(table.set([mapping('a', 80), mapping('b', 81)]));
    const route = ports.get(80)!.route;
    run(table.set([mapping('a', 80), mapping('c', 82)]));
    assert.deepEqual(log, ['+80', '+81', '+82', '-81']);
    assert.equal(ports.get(80)!.route, route);
    assert.deepEqual(
      table.mappings().map(({ id }) => id),
      ['a', 'c'],
    );
  });

  it('`set()` hands a port over without closing it, and ends what travelled on its old way', () => {
    run(table.set([mapping('a', 80, { hostPortEnd: 81 })]));
    let aborted = 0;
    ports
      .get(80)!
      .route!.passengers(80)
      .add({ seat: -1, abort: () => aborted++ });
    run(table.set([mapping('b', 81, { targetIp: '172.17.0.3' })]));
    assert.deepEqual(log, ['+80', '+81', '-80']);
    assert.equal(ports.get(81)!.route!.mapping.id, 'b');
    assert.equal(aborted, 1);
  });

  it('`add()` with `instead` takes one port out of a range, and what comes by the others goes on', () => {
    run(table.add([mapping('a', 80, { hostPortEnd: 83 })]));
    const ended: number[] = [];
    for (const port of [80, 81, 83])
      ports
        .get(port)!
        .route!.passengers(port)
        .add({ seat: -1, abort: () => ended.push(port) });
    const rest = [mapping('a', 80), mapping('c', 82, { hostPortEnd: 83, targetPort: 82 })];
    run(table.add(rest, ['a', 'unknown']));
    assert.deepEqual(log, ['+80', '+81', '+82', '+83', '-81']);
    assert.deepEqual(ended, [81]);
    assert.deepEqual(table.mappings(), rest);
    assert.equal(table.size, 3);
    run(table.remove(['c']));
    assert.deepEqual(ended, [81, 83], 'what was handed over ends with its new way');
  });

  it('`add()` with `instead` changes nothing when a port is taken', () => {
    run(table.add([mapping('a', 80)]));
    taken.add(90);
    assert.throws(() => run(table.add([mapping('b', 80), mapping('c', 90)], ['a'])), { kind: 'conflict' });
    assert.deepEqual(log, ['+80']);
    assert.deepEqual(table.mappings(), [mapping('a', 80)]);
  });

  it('a port of the kernel’s choice is remembered, and found again by 0 or by its number', () => {
    run(table.add([mapping('any', 0)]));
    assert.deepEqual(table.bindings(), [{ id: 'any', hostPort: EPHEMERAL, hostPortEnd: EPHEMERAL }]);
    run(table.add([mapping('any', 0)]));
    run(table.set([mapping('any', EPHEMERAL)]));
    assert.deepEqual(log, [`+${EPHEMERAL}`]);
    assert.equal(ports.get(EPHEMERAL)!.route!.offset + EPHEMERAL, 80);
  });

  it('`remove()` ignores ids it does not know', () => {
    run(table.add([mapping('a', 80)]));
    assert.equal(run(table.remove(['a', 'b'])), 1);
    assert.deepEqual(log, ['+80', '-80']);
  });
});
