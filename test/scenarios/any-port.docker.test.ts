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

  it('a thousand ports that -P publishes are neighbours on the host, and single ones in every list, also for the next daemon', async () => {
    const { cli, daemon, host } = stage;
    await host.setSysctl('net/ipv4/ip_local_port_range', '32768 60999');
    const body = {
      Image: 'busybox',
      Cmd: ['sleep', '100'],
      ExposedPorts: Object.fromEntries(
        Array.from({ length: 1000 }, (_, index) => [`${1000 + index}/tcp`, {}]),
      ),
      HostConfig: { PublishAllPorts: true, PortBindings: { '1500/tcp': [{ HostPort: '8080' }] } },
    };
    const { Id } = (await daemon.api('POST', '/containers/create?name=many', body)).json<{ Id: string }>();
    assert.equal((await daemon.api('POST', `/containers/${Id}/start`)).status, 204);
    const lists = async () => {
      const ports = (await cli('port', 'many')).trim().split('\n');
      const summaries = (await daemon.api('GET', '/containers/json')).json<ContainerSummary[]>()[0]!.Ports;
      const { Config, NetworkSettings } = (await daemon.api('GET', `/containers/${Id}/json`)).json<{
        Config: { ExposedPorts: Record<string, object> };
        NetworkSettings: { Ports: Record<string, Array<{ HostIp: string; HostPort: string }>> };
      }>();
      assert.deepEqual(Object.keys(Config.ExposedPorts), Object.keys(body.ExposedPorts));
      const inspected = Object.entries(NetworkSettings.Ports).flatMap(([port, hosts]) =>
        hosts.map(({ HostIp, HostPort }) => `${port} ${HostIp} ${HostPort}`),
      );
      const summarized = summaries.map(
        ({ IP, PrivatePort, PublicPort, Type }) => `${PrivatePort}/${Type} ${IP} ${PublicPort}`,
      );
      assert.equal(new Set(inspected).size, 2000);
      assert.deepEqual(summarized.toSorted(), inspected.toSorted());
      assert.equal(ports.length, 2000);
      assert.ok(ports.includes('1500/tcp -> 0.0.0.0:8080'), ports.join());
      return inspected;
    };
    const found = await lists();
    const listening = await host.ok('ss', '-Hltn');
    assert.equal(listening.trim().split('\n').length, 2000);
    // One port stands between two runs of neighbours: three mappings on each family.
    const held = (await daemon.api('GET', '/bridgeport/map')).json<{ networks: unknown }>();
    assert.equal(JSON.stringify(held).match(/"hostPortEnd"/g)?.length, 4);
    await daemon.kill();
    await daemon.start();
    assert.deepEqual(await lists(), found);
  });
});
