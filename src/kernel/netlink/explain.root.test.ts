import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { type NetnsHandle, warmThreadPool, withNetns } from '../netns/index.ts';
import { NftContext } from '../nft/index.ts';
import { closeSocket, openTcpListener, openUdpSocket } from '../sockets.ts';
import { type TestNetworks, testNetworks } from '../testing/netns.ts';
import { listLocalSockets, NftTrace, RouteClient } from './index.ts';

describe('what explains a way', () => {
  let networks: TestNetworks;
  let netns: NetnsHandle;
  const run = (program: string, ...args: string[]) =>
    withNetns(netns, () => execFileSync(program, args, { encoding: 'utf8', timeout: 10_000 }));
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    netns = networks.create('host');
    run('ip', 'link', 'set', 'lo', 'up');
  });
  after(() => networks?.[Symbol.dispose]());

  it('`rules()` reads routing rules as `ip rule` made them, in order', () => {
    run(
      'ip',
      'rule',
      'add',
      'not',
      'from',
      '10.8.0.0/16',
      'fwmark',
      '0x5/0xff',
      'iif',
      'lo',
      'table',
      '100',
      'priority',
      '7',
    );
    run('ip', 'rule', 'add', 'lookup', 'main', 'suppress_prefixlength', '0', 'priority', '8');
    run('ip', 'rule', 'add', 'to', '192.0.2.0/24', 'dport', '53', 'blackhole', 'priority', '9');
    using route = RouteClient.open(netns);
    const rules = route.rules(4);
    assert.deepEqual(
      rules.map(({ priority }) => priority),
      [0, 7, 8, 9, 32766, 32767],
    );
    const { inverted, source, mark, inputLink, table, action } = rules[1]!;
    assert.deepEqual(
      { inverted, source, mark, inputLink, table, action },
      {
        inverted: true,
        source: '10.8.0.0/16',
        mark: { value: 5, mask: 0xff },
        inputLink: 'lo',
        table: 100,
        action: 'table',
      },
    );
    assert.deepEqual([rules[2]?.suppressPrefixLength, rules[1]?.suppressPrefixLength], [0, undefined]);
    assert.deepEqual(
      [rules[3]?.action, rules[3]?.destination, rules[3]?.hasMore],
      ['blackhole', '192.0.2.0/24', true],
    );
    assert.equal(route.rules(6).length, 2);
  });

  it('`listLocalSockets()` tells who waits for packets, and on which addresses', () => {
    const opened = [
      openTcpListener({ address: '127.0.0.1', port: 8001, netns }),
      openTcpListener({ address: '::', port: 8002, netns, ipv6Only: false }),
      openTcpListener({ address: '::', port: 8003, netns }),
      openUdpSocket({ address: '0.0.0.0', port: 53, netns }),
    ];
    try {
      const found = listLocalSockets(netns).map(
        ({ protocol, address, port, ipv6Only }) =>
          `${protocol} ${address} ${port}${ipv6Only ? ' v6only' : ''}`,
      );
      assert.deepEqual(found.sort(), [
        'tcp 127.0.0.1 8001',
        'tcp :: 8002',
        'tcp :: 8003 v6only',
        'udp 0.0.0.0 53',
      ]);
    } finally {
      for (const socket of opened) closeSocket(socket);
    }
    assert.deepEqual(listLocalSockets(netns), []);
  });

  it('`NftTrace` tells which rules a marked packet met', () => {
    using nft = NftContext.open(netns);
    nft.run(`table inet marks {
  flags owner;
  chain out {
    type filter hook output priority -400; policy accept;
    udp dport 9 meta nftrace set 1
  }
}
table ip filtering {
  chain out {
    type filter hook output priority 0; policy accept;
    udp dport 9 jump more
  }
  chain more {
    udp dport 9 drop
  }
}`);
    using trace = NftTrace.open(netns);
    assert.throws(() => run('bash', '-c', 'echo x >/dev/udp/127.0.0.1/9'));
    const told = trace
      .read()
      .filter(({ table, handle }) => table === 'filtering' && handle !== undefined)
      .map(({ chain, verdict, target }) => `${chain} ${verdict}${target === undefined ? '' : ` ${target}`}`);
    assert.deepEqual(told, ['out jump more', 'more drop']);
  });
});
