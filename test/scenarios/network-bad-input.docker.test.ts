/** What cannot be: Docker's status and words, and nothing is changed. */

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { useStage } from '../harness/stage.ts';

describe('networks that cannot be', () => {
  const stage = useStage({ name: 'bad-nets', images: ['busybox'] });

  const world = async () => {
    const { host } = stage;
    return {
      networks: await networks(),
      links: (await host.links()).map(({ ifname }) => ifname),
      lan: await host.addresses('eth0'),
      rules: [...(await host.rules('filter')), ...(await host.rules('nat'))],
    };
  };
  const networks = async () => (await stage.daemon.api('GET', '/networks')).text;
  /** The status and the text of a request that must not change anything. */
  const refused = async (status: number, what: RegExp, path: string, body?: unknown, method = 'POST') => {
    const before = await networks();
    const answer = await stage.daemon.api(method, path, body);
    const context = `${method} ${path} ${JSON.stringify(body)}`;
    assert.equal(answer.status, status, `${context}: ${answer.text}`);
    assert.match(answer.json<{ message: string }>().message, what, context);
    assert.equal(await networks(), before, context);
  };
  const create = (status: number, what: RegExp, body: Record<string, unknown>) =>
    refused(status, what, '/networks/create', { Name: 'bad', ...body });
  const ipam = (...Config: Array<Record<string, unknown>>) => ({ IPAM: { Config } });
  const option = (key: string, value: string) => ({ Options: { [`com.docker.network.${key}`]: value } });

  it('subnets, gateways, ranges and auxiliary addresses that do not fit', async () => {
    await stage.cli('network', 'create', '--subnet', '10.60.0.0/16', 'taken');
    const before = await world();
    const overlap = /^invalid pool request: Pool overlaps with other one on this address space$/;
    await create(403, overlap, ipam({ Subnet: '10.60.7.0/24' }));
    await create(403, overlap, ipam({ Subnet: '172.17.0.0/16' }));
    await create(403, overlap, ipam({ Subnet: '10.61.0.0/24' }, { Subnet: '10.61.0.0/25' }));
    const outside =
      /invalid gateway 10\.62\.0\.1: parent subnet 10\.61\.0\.0\/24 doesn't contain this address/;
    await create(400, outside, ipam({ Subnet: '10.61.0.0/24', Gateway: '10.62.0.1' }));
    await create(400, /ip-range/, ipam({ Subnet: '10.61.0.0/24', IPRange: '10.62.0.0/28' }));
    await create(400, /ip-range/, ipam({ Subnet: '10.61.0.0/24', IPRange: '10.0.0.0/8' }));
    await create(
      400,
      /auxiliary address x/,
      ipam({ Subnet: '10.61.0.0/24', AuxiliaryAddresses: { x: '10.1.1.1' } }),
    );
    await create(400, /it should be 10\.61\.0\.0\/24/, ipam({ Subnet: '10.61.0.5/24' }));
    const notation = (what: string) =>
      new RegExp(`^invalid network config:\\ninvalid ${what}: invalid CIDR block notation$`);
    await create(400, notation('subnet 10.61.0.0/33'), ipam({ Subnet: '10.61.0.0/33' }));
    await create(400, notation('subnet nonsense'), ipam({ Subnet: 'nonsense' }));
    await create(400, notation('ip-range x'), ipam({ Subnet: '10.61.0.0/24', IPRange: 'x' }));
    await create(400, /invalid gateway x: invalid address$/, ipam({ Subnet: '10.61.0.0/24', Gateway: 'x' }));
    const gatewayOfOther = { Subnet: '10.61.0.0/24', Gateway: 'fd61::1' };
    await create(400, /invalid gateway fd61::1: parent subnet is an IPv4 block$/, ipam(gatewayOfOther));
    const reserved = /^failed to allocate gateway \(10\.61\.0\.(0|255)\): Address already in use$/;
    await create(403, reserved, ipam({ Subnet: '10.61.0.0/24', Gateway: '10.61.0.0' }));
    await create(403, reserved, ipam({ Subnet: '10.61.0.0/24', Gateway: '10.61.0.255' }));
    const twice = { Subnet: '10.61.0.0/24', Gateway: '10.61.0.9', AuxiliaryAddresses: { x: '10.61.0.9' } };
    await create(403, /\(x:10\.61\.0\.9\): Address already in use$/, ipam(twice));
    await create(400, /must have a corresponding subnet/, ipam({ Gateway: '10.61.0.1' }));
    await create(400, /IPv4 disabled/, {
      EnableIPv4: false,
      EnableIPv6: true,
      ...ipam({ Subnet: '10.61.0.0/24' }),
    });
    await create(400, /IPv4 or IPv6 must be enabled/, { EnableIPv4: false, EnableIPv6: false });
    assert.deepEqual(await world(), before);
  });

  it('names that are taken, predefined or none', async () => {
    await stage.cli('network', 'create', 'twice');
    const before = await world();
    await create(409, /^network with name twice already exists$/, { Name: 'twice' });
    await create(403, /^operation is not permitted on predefined bridge network$/, { Name: 'bridge' });
    await create(403, /predefined host network/, { Name: 'host' });
    await create(400, /name is empty/, { Name: '' });
    await create(400, /invalid name/, { Name: 'a b' });
    await create(400, /invalid name/, { Name: '../x' });
    const { code, stderr } = await stage.cli.attempt(['network', 'create', 'twice']);
    assert.equal(code, 1);
    assert.equal(stderr, 'Error response from daemon: network with name twice already exists\n');
    assert.deepEqual(await world(), before);
  });

  it('drivers and options that are unknown or have no such value', async () => {
    const before = await world();
    await create(404, /^plugin "nonesuch" not found$/, { Driver: 'nonesuch' });
    await create(404, /^plugin "nonesuch" not found$/, { IPAM: { Driver: 'nonesuch' } });
    await create(403, /only one instance of "host" network is allowed/, { Driver: 'host' });
    await create(400, /enable_icc/, option('bridge.enable_icc', 'maybe'));
    await create(400, /enable_ip_masquerade/, option('bridge.enable_ip_masquerade', '2'));
    await create(400, /binding address/, option('bridge.host_binding_ipv4', '1.2.3'));
    await create(400, /gateway mode/, option('bridge.gateway_mode_ipv4', 'sideways'));
    await create(400, /isolated/, option('bridge.gateway_mode_ipv4', 'isolated'));
    await create(400, /MTU/i, option('driver.mtu', 'large'));
    await create(400, /MTU/i, option('driver.mtu', '12'));
    await create(400, /bridge name/, option('bridge.name', 'a-name-that-is-too-long'));
    await create(403, /docker0/, option('bridge.name', 'docker0'));
    await create(403, /^existing interface eth0 is not a bridge$/, option('bridge.name', 'eth0'));
    await create(403, /swarm scoped network when swarm is not active$/, { Scope: 'swarm' });
    await create(400, /interface prefix/, option('container_iface_prefix', '/'));
    assert.deepEqual(await world(), before);
  });

  it('networks that are in use, predefined or not there are not removed', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'busy');
    await cli('run', '-d', '--name', 'c1', '--network', 'busy', 'busybox', 'sleep', '600');
    const before = await world();
    const active = /network busy has active endpoints \(name:"c1" id:"[0-9a-f]{12}"\)/;
    await refused(403, active, '/networks/busy', undefined, 'DELETE');
    const predefined = /^bridge is a pre-defined network and cannot be removed$/;
    await refused(403, predefined, '/networks/bridge', undefined, 'DELETE');
    await refused(404, /^network nobody not found$/, '/networks/nobody', undefined, 'DELETE');
    await refused(404, /^network nobody not found$/, '/networks/nobody', undefined, 'GET');
    await refused(404, /^network busy not found$/, '/networks/busy?scope=swarm', undefined, 'GET');
    await refused(400, /verbose/, '/networks/busy?verbose=maybe', undefined, 'GET');
    await refused(400, /until/, '/networks/prune?filters={"until":["yesterday"]}');
    await refused(400, /invalid filter 'nonesuch'/, '/networks?filters={"nonesuch":["x"]}', undefined, 'GET');
    assert.deepEqual(await world(), before);
  });

  it('joining and leaving that cannot be', async () => {
    const { cli, daemon } = stage;
    await cli('network', 'create', '--subnet', '10.63.0.0/24', 'home');
    await cli('network', 'create', '--subnet', '10.64.0.0/24', 'other');
    await cli('network', 'create', 'auto');
    const subnet = await cli('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', 'auto');
    const autoAddress = subnet.replace(/0\/\d+$/, '77');
    await cli(
      'run',
      '-d',
      '--name',
      'c1',
      '--network',
      'home',
      '--ip',
      '10.63.0.9',
      'busybox',
      'sleep',
      '600',
    );
    await cli('run', '-d', '--name', 'c2', '--network', 'other', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--name', 'alone', '--network', 'none', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--name', 'hosty', '--network', 'host', 'busybox', 'sleep', '600');
    const before = await world();
    const connect = (
      status: number,
      what: RegExp,
      network: string,
      Container: string,
      IPv4Address?: string,
    ) =>
      refused(status, what, `/networks/${network}/connect`, {
        Container,
        EndpointConfig: IPv4Address === undefined ? {} : { IPAMConfig: { IPv4Address } },
      });
    await connect(403, /^Address already in use$/, 'home', 'c2', '10.63.0.9');
    await connect(403, /^Address already in use$/, 'home', 'c2', '10.63.0.1');
    await connect(
      400,
      /no configured subnet or ip-range contain the IP address 10\.99\.99\.9/,
      'home',
      'c2',
      '10.99.99.9',
    );
    await connect(400, /invalid IPv4 address: 10\.63/, 'home', 'c2', '10.63.0.999');
    await connect(403, /endpoint with name c1 already exists in network home/, 'home', 'c1');
    // Nobody configured the subnet of `auto`, and nobody IPv6 on `home`.
    const unconfigured =
      /user specified IP address is supported only when connecting to networks with user configured subnets/;
    await connect(400, unconfigured, 'auto', 'c1', autoAddress);
    await refused(400, unconfigured, '/networks/home/connect', {
      Container: 'c2',
      EndpointConfig: { IPAMConfig: { IPv6Address: 'fd63::9' } },
    });
    await connect(404, /network nobody not found/, 'nobody', 'c1');
    await connect(404, /No such container: nobody/, 'home', 'nobody');
    await connect(403, /private \(none\) mode/, 'home', 'alone');
    await connect(403, /host network/, 'home', 'hosty');
    await connect(403, /host network/, 'host', 'c1');
    await connect(400, /user-defined networks only/, 'bridge', 'c1', '172.17.0.77');
    await refused(403, /is not connected to (the )?network other/, '/networks/other/disconnect', {
      Container: 'c1',
    });
    // `docker run` too: and nothing of the container stays but itself, as in Docker.
    const run = await cli.attempt([
      'run',
      '-d',
      '--name',
      'c3',
      '--network',
      'home',
      '--ip',
      '10.63.0.9',
      'busybox',
    ]);
    assert.equal(run.code, 125);
    assert.match(run.stderr, /Address already in use/);
    assert.deepEqual(await world(), before);
    await daemon.api('DELETE', '/containers/c3?force=1');
  });

  afterEach(async () => {
    // Whatever was refused, the daemon goes on.
    const { status } = await stage.daemon.api('GET', '/_ping');
    assert.equal(status, 200);
  });
});
