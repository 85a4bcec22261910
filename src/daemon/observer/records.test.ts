import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type DockerNetwork, dockerRecords } from './records.ts';

const network = (fields: Partial<DockerNetwork>): DockerNetwork => ({
  Id: 'a1b2c3d4e5f6'.padEnd(64, '0'),
  Name: 'lan',
  Driver: 'macvlan',
  ...fields,
});

it('`dockerRecords()` takes the gateway that an older engine does not tell from a container', () => {
  const bridge = network({
    Name: 'bridge',
    Driver: 'bridge',
    IPAM: { Config: [{ Subnet: '172.17.0.0/16' }, { Subnet: '2001:db8::/64' }] },
  });
  const web = {
    Id: 'c'.repeat(64),
    Name: '/web',
    State: { Status: 'running', Pid: 42 },
    Config: { Image: 'web' },
    HostConfig: { NetworkMode: 'default' },
    NetworkSettings: {
      Networks: { bridge: { NetworkID: bridge.Id, EndpointID: 'e', Gateway: '172.17.0.1' } },
    },
  };
  const [spec] = dockerRecords({ containers: [web], networks: [bridge] }).networks();
  assert.deepEqual(spec?.ipam.subnets, [
    { subnet: '172.17.0.0/16', gateway: '172.17.0.1' },
    { subnet: '2001:db8::/64' },
  ]);
});

it('`dockerRecords()` tells the parent of macvlan and ipvlan networks, and that Docker made one where none was named', () => {
  const { networks } = dockerRecords({
    containers: [],
    networks: [
      network({ Options: { parent: 'eth0.10', macvlan_mode: 'vepa' } }),
      network({ Driver: 'ipvlan', Options: { ipvlan_mode: 'l3' } }),
    ],
  });
  assert.deepEqual(
    networks().map(({ parent }) => parent),
    [
      { device: 'eth0.10', isDummy: false, mode: 'vepa' },
      { device: 'dm-a1b2c3d4e5f6', isDummy: true, mode: 'l3', flag: 'bridge' },
    ],
  );
});
