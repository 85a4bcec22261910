/** Ports of the host that nobody named: `-P`, and `-p 80`. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerSummary } from '../../src/base/wire/index.ts';
import { background } from '../harness/background.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const COUNT = 50;
/** Hardly more than are needed, so that those who start at once get in each other's way. */
const RANGE = { start: 41_000, end: 41_109 };

describe('ports of the kernel’s range', () => {
  const stage = useStage({ images: ['busybox'] });

  it(`${COUNT} containers that start with -P at once get ${2 * COUNT} ports, and every list agrees with the kernel at any moment`, async () => {
    const { daemon, host } = stage;
    await host.setSysctl('net/ipv4/ip_local_port_range', `${RANGE.start} ${RANGE.end}`);
    // Other programs have some of them.
    const foreign = [41_003, 41_004, 41_050];
    await using _one = background([...host.enter, 'socat', `TCP-LISTEN:${foreign[0]}`, 'PIPE']);
    await using _two = background([...host.enter, 'socat', `TCP6-LISTEN:${foreign[1]},ipv6only=1`, 'PIPE']);
    await using _three = background([
      ...host.enter,
      'socat',
      `TCP-LISTEN:${foreign[2]},bind=127.0.0.1`,
      'PIPE',
    ]);
    const listening = async () =>
      new Set(
        [...(await host.ok('ss', '-Hltn')).matchAll(/:(\d+) +\S+:\*/g)].map(([, port]) => Number(port)),
      );
    await soon(async () => {
      const held = await listening();
      assert.ok(foreign.every((port) => held.has(port)));
    });

    const create = async () => {
      const body = {
        Image: 'busybox',
        Cmd: ['sleep', '100'],
        ExposedPorts: { '80/tcp': {}, '81/tcp': {} },
        HostConfig: { PublishAllPorts: true },
      };
      return (await daemon.api('POST', '/containers/create', body)).json<{ Id: string }>().Id;
    };
    const ids = await Promise.all(Array.from({ length: COUNT }, create));
    const list = async () => (await daemon.api('GET', '/containers/json')).json<ContainerSummary[]>();
    let isStarting = true;
    const watch = (async () => {
      while (isStarting) {
        const shown = (await list()).flatMap(({ Ports }) => Ports.map(({ PublicPort }) => PublicPort));
        const held = await listening();
        const missing = shown.filter((port) => port === undefined || !held.has(port));
        assert.deepEqual(missing, [], 'what is listed is held');
      }
    })();
    const answers = await Promise.all(ids.map((id) => daemon.api('POST', `/containers/${id}/start`)));
    isStarting = false;
    await watch;
    assert.deepEqual(
      answers.map(({ status, text }) => `${status} ${text}`),
      ids.map(() => '204 '),
    );

    const published = (await list()).flatMap(({ Id, Ports }) =>
      Ports.filter(({ IP }) => IP === '0.0.0.0').map((port) => ({ Id, ...port })),
    );
    const ports = published.map(({ PublicPort }) => PublicPort as number);
    assert.equal(ports.length, 2 * COUNT);
    assert.equal(new Set(ports).size, 2 * COUNT, 'no port is given twice');
    assert.ok(ports.every((port) => port >= RANGE.start && port <= RANGE.end && !foreign.includes(port)));
    const rules = await host.rules('nat', 'DOCKER');
    for (const { Id, PrivatePort, PublicPort } of published) {
      const found = (await daemon.api('GET', `/containers/${Id}/json`)).json<{
        NetworkSettings: { IPAddress: string; Ports: Record<string, Array<{ HostPort: string }>> };
      }>();
      const { IPAddress, Ports } = found.NetworkSettings;
      assert.equal(Ports[`${PrivatePort}/tcp`]?.[0]?.HostPort, String(PublicPort));
      const rule = `--dport ${PublicPort} -j DNAT --to-destination ${IPAddress}:${PrivatePort}`;
      assert.ok(
        rules.some((line) => line.endsWith(rule)),
        rule,
      );
    }
    // Seven are left, for three more; then there is none for one, and nothing of it stays.
    const start = async () => daemon.api('POST', `/containers/${await create()}/start`);
    for (const _ of [1, 2, 3]) assert.equal((await start()).status, 204);
    const before = await listening();
    const refused = await start();
    assert.match(refused.text, /publish 8[01]\/tcp: no free port between 41000 and 41109/);
    assert.deepEqual(await listening(), before);
  });
});
