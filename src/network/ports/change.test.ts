import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortBinding, PortMap } from '../../base/wire/index.ts';
import type { PortMapping } from '../model/index.ts';
import { withoutPorts, withPorts } from './change.ts';

const at = (HostPort: string, HostIp = ''): PortBinding => ({ HostIp, HostPort });

function mapping(hostIp: string, host: [number, number?], container: [number, number?]): PortMapping {
  return {
    endpointId: 'e1',
    proto: 'tcp',
    containerIp: '172.17.0.2',
    containerPort: container[0],
    ...(container[1] === undefined ? {} : { containerPortEnd: container[1] }),
    hostIp,
    hostPort: host[0],
    ...(host[1] === undefined ? {} : { hostPortEnd: host[1] }),
  };
}

const shown = (mappings: readonly PortMapping[]) =>
  mappings.map(
    ({ hostIp, hostPort, hostPortEnd = hostPort, containerPort }) =>
      `${hostIp} ${hostPort}-${hostPortEnd} ${containerPort}`,
  );

test('`withPorts()` adds to what a port has, and refuses the same host port twice', () => {
  const before: PortMap = { '80/tcp': [at('8080')] };
  assert.deepEqual(withPorts(before, { '80/tcp': [at('9090')], '53/udp': [at('')] }), {
    '80/tcp': [at('8080'), at('9090')],
    '53/udp': [at('')],
  });
  assert.deepEqual(before, { '80/tcp': [at('8080')] });
  assert.throws(() => withPorts(before, { '80/tcp': [at('8080')] }), { kind: 'conflict' });
  assert.deepEqual(withPorts({ '80/tcp': [at('')] }, { '80/tcp': [at('')] }), { '80/tcp': [at(''), at('')] });
});

test('`withoutPorts()` takes one host side of a port away, on every address', () => {
  const whole = [mapping('0.0.0.0', [8080], [80]), mapping('::', [8080], [80])];
  const other = [mapping('0.0.0.0', [9090], [80]), mapping('::', [9090], [80])];
  const { bindings, kept, lost } = withoutPorts(
    { '80/tcp': [at('8080'), at('9090')] },
    [...whole, ...other],
    { '80/tcp': [at('9090')] },
  );
  assert.deepEqual(bindings, { '80/tcp': [at('8080')] });
  assert.deepEqual(kept, whole);
  assert.deepEqual(lost, other);
  assert.equal(kept[0], whole[0], 'what is left whole is not made anew');
});

test('`withoutPorts()` without a host side takes all of them, and the port is not asked for any more', () => {
  const all = [mapping('0.0.0.0', [8080], [80]), mapping('127.0.0.1', [9090], [80])];
  const asked = { '80/tcp': [at('8080'), at('9090', '127.0.0.1')], '53/udp': [at('53')] };
  const { bindings, kept } = withoutPorts(asked, all, { '80/tcp': [at('')] });
  assert.deepEqual(bindings, { '53/udp': [at('53')] });
  assert.deepEqual(kept, []);
});

test('`withoutPorts()` cuts a port out of a run, and what is left are two runs', () => {
  const asked = Object.fromEntries(
    Array.from({ length: 5 }, (_, index) => [`${80 + index}/tcp`, [at(String(8000 + index))]]),
  );
  const run = [mapping('0.0.0.0', [8000, 8004], [80, 84])];
  const { bindings, kept, lost } = withoutPorts(asked, run, { '82/tcp': [at('8002')] });
  assert.deepEqual(shown(kept), ['0.0.0.0 8000-8001 80', '0.0.0.0 8003-8004 83']);
  assert.deepEqual(shown(lost), ['0.0.0.0 8002-8002 82']);
  assert.deepEqual(Object.keys(bindings), ['80-81/tcp', '83-84/tcp']);
  const edge = withoutPorts(asked, run, { '80/tcp': [at('8000')] });
  assert.deepEqual(shown(edge.kept), ['0.0.0.0 8001-8004 81']);
});

test('`withoutPorts()` finds a port that was chosen by its number, and forgets the wish that led to it', () => {
  const asked = { '80/tcp': [at('8080'), at(''), at('9000-9010')] };
  const all = [
    mapping('0.0.0.0', [8080], [80]),
    mapping('0.0.0.0', [32768], [80]),
    mapping('0.0.0.0', [9000], [80]),
  ];
  const { bindings, kept } = withoutPorts(asked, all, { '80/tcp': [at('9000')] });
  assert.deepEqual(bindings, { '80/tcp': [at('8080'), at('')] });
  assert.deepEqual(shown(kept), ['0.0.0.0 8080-8080 80', '0.0.0.0 32768-32768 80']);
});

test('`withoutPorts()` tells addresses apart that got the same port', () => {
  const asked = { '80/tcp': [at('', '127.0.0.1'), at('', '10.0.0.1')] };
  const all = [mapping('127.0.0.1', [32768], [80]), mapping('10.0.0.1', [32768], [80])];
  const { bindings, kept } = withoutPorts(asked, all, { '80/tcp': [at('32768', '10.0.0.1')] });
  assert.deepEqual(bindings, { '80/tcp': [at('', '127.0.0.1')] });
  assert.deepEqual(shown(kept), ['127.0.0.1 32768-32768 80']);
  assert.deepEqual(withoutPorts(asked, all, { '80/tcp': [at('32768')] }).bindings, {});
});

test('a thousand ports that were chosen in a row are taken away as one', () => {
  const asked = { '1000-1999/tcp': [at('')] };
  const all = [mapping('0.0.0.0', [32768, 33767], [1000, 1999]), mapping('::', [32768, 33767], [1000, 1999])];
  const { bindings, kept, lost } = withoutPorts(asked, all, { '1500-1999/tcp': [at('33268-33767')] });
  assert.deepEqual(bindings, { '1000-1499/tcp': [at('')] });
  assert.deepEqual(shown(kept), ['0.0.0.0 32768-33267 1000', ':: 32768-33267 1000']);
  assert.deepEqual(shown(lost), ['0.0.0.0 33268-33767 1500', ':: 33268-33767 1500']);
  const wrong = { '1990-2009/tcp': [at('')] };
  assert.throws(() => withoutPorts(asked, all, wrong), {
    kind: 'not-found',
    message: 'unpublish 2000/tcp: it is not published',
  });
});

test('`withoutPorts()` on one family leaves the wish for the other', () => {
  const both = [mapping('0.0.0.0', [8080], [80]), mapping('::', [8080], [80])];
  const { bindings, kept } = withoutPorts({ '80/tcp': [at('8080')] }, both, {
    '80/tcp': [at('8080', '0.0.0.0')],
  });
  assert.deepEqual(bindings, { '80/tcp': [at('8080', '::')] });
  assert.deepEqual(shown(kept), [':: 8080-8080 80']);
  const alone = withoutPorts({ '80/tcp': [at('8080')] }, both.slice(0, 1), { '80/tcp': [at('', '0.0.0.0')] });
  assert.deepEqual(alone.bindings, {}, 'a host without IPv6');
});

test('`withoutPorts()` of a container that does not run goes by what is asked for', () => {
  const asked = { '80/tcp': [at('8080'), at('')] };
  assert.deepEqual(withoutPorts(asked, [], { '80/tcp': [at('8080')] }).bindings, { '80/tcp': [at('')] });
});

test('`withoutPorts()` refuses a port that is not published, and says which', () => {
  const asked = { '80/tcp': [at('8080')] };
  const refuse = (removal: PortMap, message: RegExp) =>
    assert.throws(() => withoutPorts(asked, [mapping('0.0.0.0', [8080], [80])], removal), {
      kind: 'not-found',
      message,
    });
  refuse({ '81/tcp': [at('')] }, /unpublish 81\/tcp: it is not published$/);
  refuse({ '80/tcp': [at('8081')] }, /on host port 8081$/);
  refuse({ '80/tcp': [at('8080'), at('8080', '10.0.0.1')] }, /on host port 8080 of 10\.0\.0\.1$/);
});
