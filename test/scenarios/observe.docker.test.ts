/** What is counted and what is watched, against traffic that the test makes: metrics, flows, rates, packets. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { CapturedPacket } from '../../src/base/wire/capture.ts';
import type { Flow, FlowDrop, FlowLine } from '../../src/base/wire/flow.ts';
import type { NetworkMap } from '../../src/base/wire/map.ts';
import { type Background, background } from '../harness/background.ts';
import { addressOf, inNetworkOf, inspect, pidOf } from '../harness/container.ts';
import { run } from '../harness/exec.ts';
import { HOST_IP, WORLD_IP } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const METRICS = '127.0.0.1:9323';
const OBSERVER = join(import.meta.dirname, '../../src/daemon/observer/main.ts');

describe('what is watched', () => {
  const stage = useStage({ name: 'watch', images: ['busybox', 'web'], args: ['--metrics-addr', METRICS] });
  const bridgeport = (...words: string[]) =>
    background(['bin/bridgeport', '-H', `unix://${stage.daemon.socket}`, ...words]);
  /** JSON values that a command has printed, a line each; what else it says is not for programs. */
  const printed = <T>(command: Background): T[] =>
    command.output
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as T);

  it('`/metrics` counts what a container receives, connections through the proxy, drops with their reason, and repairs', async () => {
    const { cli, host, daemon } = stage;
    await cli('network', 'create', '-o', 'com.docker.network.bridge.enable_icc=false', 'apart');
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    await cli('run', '-d', '--name', 'one', '--network', 'apart', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--name', 'two', '--network', 'apart', 'busybox', 'sleep', '600');
    const read = async () => {
      const lines = (await host.get(`http://${METRICS}/metrics`)).split('\n');
      return (series: string) =>
        Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length));
    };
    const received =
      'bridgeport_container_network_receive_packets_total{container="web",network="bridge",interface="eth0"}';
    const accepted = 'bridgeport_proxy_accepted_connections_total';
    const dropped =
      'bridgeport_firewall_dropped_packets_total{family="ipv4",reason="icc-drop",chain="filter FORWARD",network="apart"}';
    const repaired = 'bridgeport_repairs_total{part="firewall"}';
    const started =
      'bridgeport_api_requests_total{method="POST",route="/containers/{name}/start",code="204"}';
    // The container has no IPv6: only the proxy can serve this one.
    await host.getSoon('http://[::1]:8080/');
    const before = await read();
    await host.get('http://[::1]:8080/');
    const two = await inspect(cli, 'two', '{{.NetworkSettings.Networks.apart.IPAddress}}');
    await cli('exec', 'one', 'sh', '-c', `ping -c 2 -W 1 ${two} || true`);
    await host.ok('iptables', '-w', '-F');
    await soon(async () => assert.equal((await read())(repaired), 1));
    const after = await read();
    assert.ok(after(received) > before(received));
    assert.equal(after(accepted), before(accepted) + 1);
    assert.equal(after(started), 3);
    assert.equal(after('bridgeport_proxy_up'), 1);
    assert.equal(before(dropped), 0);
    // The flush took the counter with the rule; what the API's own socket answers is the same text.
    await cli('exec', 'one', 'sh', '-c', `ping -c 2 -W 1 ${two} || true`);
    const text = (await daemon.api('GET', '/metrics')).text;
    assert.ok(text.includes(`${dropped} 2\n`), text);
  });

  it('`bridgeport metrics` prints what the daemon counts; of an engine that counts nothing, what its API and the kernel tell', async () => {
    const { cli, host, daemon } = stage;
    await cli('network', 'create', 'shop');
    await cli('run', '-d', '--name', 'web', '--network', 'shop', '-p', '8080:80', 'web');
    const ours = await daemon.bridgeport('metrics');
    assert.match(ours, /^bridgeport_proxy_up 1$/m);
    // Any engine that speaks Docker's API will do; ours can be asked what the answer has to be.
    const details = await daemon.api('GET', `/containers/${await inspect(cli, 'web', '{{.Id}}')}/json`);
    const networks = await daemon.api('GET', '/networks');
    const docker = { containers: [details.json()], networks: networks.json() };
    const { stdout } = await run(
      [...host.enter, process.execPath, '--disable-warning=ExperimentalWarning', OBSERVER],
      { input: JSON.stringify({ path: '/metrics', query: {}, docker }) },
    );
    const theirs = (JSON.parse(stdout) as { body: string }).body;
    const series = (text: string) =>
      text.match(/^bridgeport_(container|network|published|conntrack)\w+(\{.*\})?(?= )/gm)?.sort() ?? [];
    assert.ok(series(ours).length > 20, ours);
    assert.deepEqual(series(theirs), series(ours));
    // What only the daemon knows is not told as 0.
    assert.doesNotMatch(theirs, /bridgeport_(proxy|dns|api|repairs|process)/);
  });

  it('`flows` tells who speaks to whom, translation undone, and which rule drops', async () => {
    const { cli, host } = stage;
    await cli('network', 'create', '-o', 'com.docker.network.bridge.enable_icc=false', 'apart');
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    await cli('run', '-d', '--name', 'one', '--network', 'apart', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--name', 'two', '--network', 'apart', 'busybox', 'sleep', '600');
    await host.world.getSoon(`http://${HOST_IP}:8080/`);
    const follow = bridgeport('flows', '--follow', '--json');
    const only = bridgeport('flows', '--follow', '--no-drops', 'web');
    const two = await inspect(cli, 'two', '{{.NetworkSettings.Networks.apart.IPAddress}}');
    const web = await addressOf(cli, 'web');
    // Until both listen: what happened before is not told.
    await soon(async () => {
      await host.world.get(`http://${HOST_IP}:8080/`);
      await cli('exec', 'one', 'ping', '-c', '1', '-W', '1', WORLD_IP);
      await cli('exec', 'one', 'sh', '-c', `ping -c 1 -W 1 ${two} || true`);
      const lines = printed<FlowLine>(follow);
      assert.ok(lines.some(({ event }) => event === 'drop'));
      assert.ok(lines.some((line) => line.event === 'new' && line.server?.name === 'web'));
      assert.match(only.output, /NEW .* → web /);
    });
    const lines = printed<FlowLine>(follow);
    const flow = lines.find(
      (line): line is Flow => line.event === 'new' && 'client' in line && line.server?.name === 'web',
    );
    assert.deepEqual(
      [flow?.proto, flow?.client.address, flow?.dialled.port, flow?.dialled.name, flow?.server],
      ['tcp', WORLD_IP, 8080, 'host', { address: web, port: 80, name: 'web', network: 'bridge' }],
    );
    const ping = lines.find(
      (line): line is Flow =>
        'client' in line && line.client.name === 'one' && line.dialled.address === WORLD_IP,
    );
    assert.deepEqual([ping?.proto, ping?.seenAs], ['icmp', { address: HOST_IP, name: 'host' }]);
    const drop = lines.find((line): line is FlowDrop => line.event === 'drop');
    assert.deepEqual([drop?.reason, drop?.network, drop?.chain], ['icc-drop', 'apart', 'filter FORWARD']);
    assert.ok((drop?.packets ?? 0) > 0);
    assert.doesNotMatch(only.output, /DROP|icmp/);
    for (const command of [follow, only]) {
      command.signal('SIGINT');
      await command.end();
    }
    const open = printed<Flow>(await ended(bridgeport('flows', '--json', 'web')));
    assert.ok(open.some(({ event, server }) => event === 'open' && server?.address === web));

    // The address passes to another; what the kernel remembers of the connections does not.
    const serversOf = async (port: number) =>
      printed<Flow>(await ended(bridgeport('flows', '--json')))
        .filter(({ dialled, server }) => dialled.port === port && server?.address === web)
        .map(({ server }) => server?.name);
    const replace = async (old: string, ...run: string[]) => {
      await cli('rm', '-f', old);
      await cli('run', '-d', ...run);
    };
    await replace('web', '--name', 'heir', '-p', '8081:80', 'web');
    assert.equal(await addressOf(cli, 'heir'), web);
    const named = await serversOf(8080);
    assert.ok(named.length > 0 && !named.includes('heir'), String(named));
    // Known exactly where the kernel notes when connections begin.
    await host.setSysctl('net/netfilter/nf_conntrack_timestamp', '1');
    await host.world.getSoon(`http://${HOST_IP}:8081/`);
    await replace('heir', '--name', 'last', 'web');
    assert.equal(await addressOf(cli, 'last'), web);
    assert.deepEqual([...new Set(await serversOf(8081))], ['heir']);
    assert.match((await ended(bridgeport('flows', 'nobody'), 1)).output, /no container "nobody"/);
    assert.match((await ended(bridgeport('flows', 'heir'))).output, /→ heir /);
  });

  it('`map --watch` tells what goes over the links, and traffic and picture agree on whose it is', async () => {
    const { cli } = stage;
    await cli('run', '-d', '--name', 'web', 'web');
    await cli('run', '-d', '--name', 'one', 'busybox', 'sleep', '600');
    const web = await addressOf(cli, 'web');
    const watch = bridgeport('map', '--watch', '--json');
    const picture = bridgeport('map', '--watch');
    await soon(async () => {
      // 200 packets of 1,000 bytes each way.
      await cli(
        'exec',
        'one',
        'sh',
        '-c',
        `for i in 1 2 3 4; do ping -q -c 50 -i 0.001 -s 972 ${web} >/dev/null; done`,
      );
      const looks = printed<{ map: NetworkMap; rates: Record<string, { received: number; sent: number }> }>(
        watch,
      );
      const busy = looks.some(({ map, rates }) => {
        const rateOf = (name: string) =>
          rates[map.endpoints.find(({ container }) => container.name === name)?.hostVeth?.name ?? ''];
        return [rateOf('web'), rateOf('one')].every(
          (rate) => rate !== undefined && rate.received > 5000 && rate.sent > 5000,
        );
      });
      assert.ok(busy, watch.output.slice(-2000));
    });
    await picture.see(/● one[^╯]*▼ [\d.]+kB\/s/);
    for (const command of [watch, picture]) {
      command.signal('SIGTERM');
      await command.end();
    }
  });

  it('`capture` writes what passes a container, a network and a published port, each frame once, and then listens no more', async () => {
    const { cli, host, daemon } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    await cli('run', '-d', '--name', 'one', 'busybox', 'sleep', '600');
    const [web, one, pid] = [
      await addressOf(cli, 'web'),
      await addressOf(cli, 'one'),
      await pidOf(cli, 'web'),
    ];
    await host.world.getSoon(`http://${HOST_IP}:8080/`);
    const sockets = async () =>
      [await host.ok('cat', '/proc/net/packet'), await inNetworkOf(pid, 'cat', '/proc/net/packet')].map(
        (text) => text.trimEnd().split('\n').length - 1,
      );
    // The addresses of new containers are announced for some seconds.
    await soon(async () => assert.deepEqual(await sockets(), [0, 0]));

    const file = join(daemon.root, 'web.pcapng');
    const inFile = bridgeport('capture', 'web', 'icmp', 'and', 'host', one, '-w', file, '-c', '2');
    const onNetwork = bridgeport('capture', 'bridge', 'icmp');
    const onPort = bridgeport('capture', ':8080', 'tcp');
    const asJson = bridgeport(
      'capture',
      'web',
      '--json',
      '-s',
      '64',
      '-c',
      '2',
      'icmp',
      'and',
      'host',
      'one',
    );
    await soon(async () => assert.deepEqual(await sockets(), [2, 3]));
    await cli('exec', 'one', 'ping', '-c', '1', '-W', '5', web);
    await host.world.get(`http://${HOST_IP}:8080/`);
    await soon(() => assert.equal(inFile.ended, 0));
    assert.match(inFile.output, /^2 packets\n$/);
    await onNetwork.see(/echo reply/);
    await onPort.see(/web:eth0 > .*\[[^\]]*F/);
    await onPort.see(/host:eth0 < .*\[[^\]]*F/);
    for (const command of [onNetwork, onPort]) {
      command.signal('SIGINT');
      assert.equal(await command.end(), 0);
    }
    await soon(async () => assert.deepEqual(await sockets(), [0, 0]));

    const [request, reply] = printed<CapturedPacket>(await ended(asJson));
    assert.deepEqual(
      [request?.where, request?.link, request?.direction, request?.proto, request?.icmp?.kind],
      ['web', 'eth0', 'in', 'icmp', 'echo request'],
    );
    // Of the 98 bytes on the wire, 64 were kept.
    assert.deepEqual([request?.length, request?.source.name, request?.source.network], [98, 'one', 'bridge']);
    assert.deepEqual([reply?.direction, reply?.destination], ['out', request?.source]);

    const packets = readPackets(readFileSync(file));
    assert.deepEqual(
      packets.map(({ comment, data }) => [comment, data.readUInt8(34)]),
      [
        [`one ${one} → web ${web}`, 8],
        [`web ${web} → one ${one}`, 0],
      ],
    );
    assert.ok(packets[0]!.time < packets[1]!.time);
    assert.match(onNetwork.output, /host:veth\w+ < one .* → web .* icmp echo request, 98 bytes/);
    assert.equal(onNetwork.output.match(/icmp echo/g)?.length, 2, onNetwork.output);
    // Before its translation on the host, and behind it in the container.
    assert.match(
      onPort.output,
      new RegExp(`host:eth0 < ${WORLD_IP}:\\d+ → host ${HOST_IP}:8080 tcp \\[S\\]`),
    );
    assert.match(onPort.output, new RegExp(`web:eth0 < ${WORLD_IP}:\\d+ → web ${web}:80 tcp \\[S\\]`));

    const refused = async (...words: string[]) => (await ended(bridgeport('capture', ...words), 1)).output;
    assert.match(await refused('nobody'), /no container, network or published port "nobody"/);
    assert.match(await refused('web', 'tcp', 'prt', '80'), /invalid filter "tcp prt 80": at "prt"/);
    assert.match(await refused('web', '--json', '-w', '-'), /--json prints packets, --write writes them/);
    assert.match(await refused('web', '-w', `${file}/none`), /ENOTDIR/);
  });
});

/** The packets of a pcapng file of one interface: types and lengths of blocks, times, comments (draft-ietf-opsawg-pcapng, 4.3). */
function readPackets(file: Buffer): Array<{ time: bigint; data: Buffer; comment: string }> {
  const packets: Array<{ time: bigint; data: Buffer; comment: string }> = [];
  for (let at = 0; at < file.length; ) {
    const length = file.readUInt32LE(at + 4);
    assert.equal(file.readUInt32LE(at + length - 4), length, `block at ${at}`);
    if (file.readUInt32LE(at) === 6) {
      const kept = file.readUInt32LE(at + 20);
      const option = at + 28 + Math.ceil(kept / 4) * 4;
      assert.equal(file.readUInt16LE(option), 1, 'the first option is the comment');
      packets.push({
        time: (BigInt(file.readUInt32LE(at + 12)) << 32n) | BigInt(file.readUInt32LE(at + 16)),
        data: file.subarray(at + 28, at + 28 + kept),
        comment: file.toString('utf8', option + 4, option + 4 + file.readUInt16LE(option + 2)),
      });
    }
    at += length;
  }
  return packets;
}

async function ended(command: Background, code = 0): Promise<Background> {
  await soon(() => assert.equal(command.ended, code));
  return command;
}
