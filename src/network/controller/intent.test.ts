import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NftCompiler, planNft } from '../firewall/index.ts';
import type { NetworkSpec, PortMapping } from '../model/index.ts';
import { firewallIntent, NetworkIntents } from './intent.ts';
import type { SandboxRecord } from './sandbox-record.ts';

const OPTIONS = {
  enabled: { v4: true, v6: false },
  userlandProxy: true,
  forwardDrop: { v4: true, v6: false },
};

const spec = (number: number, more: Partial<NetworkSpec> = {}): NetworkSpec => ({
  id: `${number}`.padStart(64, '0'),
  name: `n${number}`,
  driver: 'bridge',
  createdAt: '2026-01-01T00:00:00Z',
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  ipam: { driver: 'default', options: {}, subnets: [{ subnet: `10.0.${number}.0/24` }] },
  bridge: {
    name: `br-${number}`,
    isDefault: false,
    icc: true,
    masquerade: true,
    hostBindingV4: '',
    mtu: 1500,
    gatewayModeV4: 'nat',
    gatewayModeV6: 'nat',
  },
  options: {},
  labels: {},
  ...more,
});

const port = (number: number): PortMapping => ({
  endpointId: `e${number}`,
  proto: 'tcp',
  hostIp: '0.0.0.0',
  hostPort: 8000 + number,
  hostPortEnd: 8000 + number,
  containerIp: `10.0.${number}.2`,
  containerPort: 80,
  containerPortEnd: 80,
});

/** A container on a network that publishes a port. */
const sandbox = (number: number, ports: PortMapping[]) =>
  ({
    phase: 'open',
    ports,
    endpoints: [{ id: `e${number}`, networkId: spec(number).id }],
    request: { containerId: `c${number}`, links: [], exposedPorts: [] },
  }) as unknown as SandboxRecord;

describe('firewallIntent', () => {
  test('ports belong to the network of their endpoint, and not while their container is closing', () => {
    const sandboxes = [sandbox(1, [port(1)]), { ...sandbox(2, [port(2)]), phase: 'closing' as const }];
    const { networks } = firewallIntent(OPTIONS, [spec(1), spec(2)], sandboxes);
    assert.deepEqual(
      networks.map(({ ports }) => ports),
      [[port(1)], []],
    );
  });

  test('what has not changed is the same object, and is not compiled again', () => {
    const specs = [1, 2, 3].map((number) => spec(number));
    const intents = new NetworkIntents();
    const compiler = new NftCompiler();
    const [one, two] = [[port(1)], [port(2)]];
    const before = firewallIntent(OPTIONS, specs, [sandbox(1, one), sandbox(2, two)], intents);
    const same = firewallIntent(OPTIONS, specs, [sandbox(1, one), sandbox(2, two)], intents);
    const after = firewallIntent(OPTIONS, specs, [sandbox(1, one), sandbox(2, [])], intents);
    assert.ok(before.networks.every((network, index) => network === same.networks[index]));
    assert.deepEqual(
      before.networks.map((network, index) => network === after.networks[index]),
      [true, false, true],
    );
    const [first, second] = [compiler.compile(before), compiler.compile(after)];
    const chain = (ruleset: typeof first, name: string) =>
      ruleset.v4.chains.find((found) => found.name === name);
    assert.equal(chain(first, 'filter-forward-in__br-3'), chain(second, 'filter-forward-in__br-3'));
    // Whatever is kept, the result is that of a compiler that keeps nothing.
    assert.deepEqual(second, new NftCompiler().compile(after));
    assert.equal(planNft(first, second), planNft(structuredClone(first), structuredClone(second)));
    assert.match(planNft(first, second), /^delete element ip docker-bridges /);
  });

  test('other settings are compiled anew', () => {
    const intents = new NetworkIntents();
    const compiler = new NftCompiler();
    compiler.compile(firewallIntent(OPTIONS, [spec(1)], [], intents));
    const other = firewallIntent({ ...OPTIONS, allowDirectRouting: true }, [spec(1)], [], intents);
    assert.deepEqual(compiler.compile(other), new NftCompiler().compile(other));
    const internal = firewallIntent(OPTIONS, [spec(1, { internal: true })], [], intents);
    assert.deepEqual(compiler.compile(internal), new NftCompiler().compile(internal));
  });
});
