import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ADDRESSES, BRIDGE, MTU_REFUSED, ROUTES, VETH } from '../testing/netlink-captures.ts';
import { AttributeWriter, listAttributes, readAttributes } from './attributes.ts';
import { NLM_F_ACK, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR } from './constants.ts';
import { eachMessage, encodeRequests, errorOf, netlinkRequest } from './message.ts';
import { readAddress } from './route/address.ts';
import { RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE } from './route/constants.ts';
import { readLink } from './route/link.ts';
import { addLink } from './route/link-requests.ts';
import { readRoute } from './route/route.ts';

const only = (datagram: Buffer | undefined) => {
  const [message] = eachMessage(datagram!);
  return message!;
};

describe('attributes', () => {
  it('are padded to four bytes, with a length that does not count the padding', () => {
    const bytes = new AttributeWriter()
      .u8(1, 0xab)
      .u16(2, 0x1234)
      .u32(3, 0x12345678)
      .u16be(4, 0x1234)
      .string(5, 'lo')
      .flag(6)
      .nested(7, (inner) => inner.u8(1, 2))
      .finish();
    assert.equal(
      bytes.toString('hex'),
      [
        '05000100ab000000',
        '0600020034120000',
        '0800030078563412',
        '0600040012340000',
        '070005006c6f0000',
        '04000600',
        '0c0007800500010002000000',
      ].join(''),
    );
    const read = readAttributes(bytes);
    assert.equal(read.u8(1), 0xab);
    assert.equal(read.u16(2), 0x1234);
    assert.equal(read.u32(3), 0x12345678);
    assert.equal(read.u16be(4), 0x1234);
    assert.equal(read.string(5), 'lo');
    assert.ok(read.has(6));
    assert.equal(read.nested(7)?.u8(1), 2);
    assert.equal(read.u32(99), undefined);
    assert.equal(read.u32(1), undefined, 'too short for the size that was asked for');
  });

  it('grow beyond the first buffer, and keep a fixed head before them', () => {
    const writer = new AttributeWriter(Buffer.from([1, 2, 3]));
    for (let type = 1; type <= 500; type++) writer.u32(type, type);
    const bytes = writer.finish();
    assert.equal(bytes.length, 4 + 500 * 8);
    assert.equal(bytes.readUInt32LE(0), 0x030201);
    assert.equal(readAttributes(bytes, 4).u32(500), 500);
  });

  it('refuse what cannot be encoded', () => {
    assert.throws(() => new AttributeWriter().string(1, 'a\0b'), /holds a NUL/);
    assert.throws(() => new AttributeWriter().bytes(1, Buffer.alloc(65533)), /do not fit/);
  });

  it('stop at an attribute that claims more than there is', () => {
    assert.equal(listAttributes(Buffer.from('0500010001000000ff00020000', 'hex')).length, 1);
    assert.equal(listAttributes(Buffer.from('0300010001000000', 'hex')).length, 0);
  });
});

describe('messages', () => {
  it('`encodeRequests()` numbers requests one after the other', () => {
    const request = netlinkRequest('x', 16, 0x600, Buffer.alloc(2), (attributes) => attributes.u8(1, 7));
    const bytes = encodeRequests([request, request], NLM_F_REQUEST | NLM_F_ACK, 41);
    const messages = [...eachMessage(bytes)];
    assert.deepEqual(
      messages.map(({ type, flags, sequence, body }) => [type, flags, sequence, body.length]),
      [
        [16, 0x605, 41, 12],
        [16, 0x605, 42, 12],
      ],
    );
  });

  it('`errorOf()` brings errno and the words of the kernel', () => {
    const message = only(MTU_REFUSED[0]);
    assert.equal(message.type, NLMSG_ERROR);
    const error = errorOf(message, 'set link 2 mtu 70000');
    assert.equal(error?.errno, 'EINVAL');
    assert.equal(error?.extack, 'mtu greater than device maximum');
    assert.equal(errorOf(only(VETH[1]), 'get link'), undefined, 'an ACK is no error');
  });

  it('cut-off datagrams yield the whole messages they have', () => {
    assert.equal([...eachMessage(ROUTES[0]!)].length, 2);
    assert.equal([...eachMessage(ROUTES[0]!.subarray(0, -1))].length, 1);
    assert.equal([...eachMessage(Buffer.alloc(7))].length, 0);
    assert.equal(only(ROUTES[1]).type, NLMSG_DONE);
  });
});

describe('route messages', () => {
  it('`readLink()` reads a veth', () => {
    const message = only(VETH[0]);
    assert.equal(message.type, RTM_NEWLINK);
    const { stats, bridgePort, ...link } = readLink(message);
    assert.deepEqual(link, {
      index: 3,
      name: 'veth1a2b3c4',
      altNames: [],
      type: 1,
      flags: 0x1003,
      up: true,
      lowerUp: false,
      loopback: false,
      operState: 'down',
      mtu: 1500,
      mac: link.mac,
      master: 2,
      link: 2,
      linkNetnsId: 0,
      kind: 'veth',
      portKind: 'bridge',
      alias: undefined,
      group: 0,
      txQueueLength: 1000,
      promiscuity: 1,
      bridge: undefined,
    });
    assert.match(link.mac ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    assert.equal(bridgePort?.number, 1);
    assert.equal(bridgePort?.learning, true);
    assert.equal(stats.txPackets, 0);
  });

  it('`readLink()` reads a bridge and its settings', () => {
    const link = readLink(only(BRIDGE[0]));
    assert.equal(link.mac, '02:42:ac:11:00:01');
    assert.deepEqual(link.bridge, {
      forwardDelay: 15,
      helloTime: 2,
      maxAge: 20,
      ageingTime: 300,
      stp: false,
      priority: 32768,
      bridgeId: '8000.0242ac110001',
      vlanFiltering: false,
      groupForwardMask: 0,
      multicastSnooping: true,
      nfCallIptables: false,
      nfCallIp6tables: false,
    });
  });

  it('`readAddress()` and `readRoute()` read what was set', () => {
    const address = only(ADDRESSES[0]);
    assert.equal(address.type, RTM_NEWADDR);
    assert.deepEqual(readAddress(address), {
      link: 2,
      family: 4,
      address: '172.17.0.1',
      prefixLength: 16,
      peer: undefined,
      broadcast: '172.17.255.255',
      scope: 'universe',
      label: 'docker0',
      secondary: false,
      permanent: true,
      deprecated: false,
      tentative: false,
      dadFailed: false,
    });
    const routes = [...eachMessage(ROUTES[0]!)];
    assert.ok(routes.every(({ type }) => type === RTM_NEWROUTE));
    assert.deepEqual(
      routes
        .map(readRoute)
        .map((route) => [route?.destination, route?.gateway, route?.source, route?.metric, route?.scope]),
      [
        ['10.1.0.0/16', '172.17.0.9', undefined, 7, 'universe'],
        ['172.17.0.0/16', undefined, '172.17.0.1', 0, 'link'],
      ],
    );
  });

  it('`addLink()` puts the peer of a veth inside VETH_INFO_PEER, behind an ifinfomsg of its own', () => {
    const request = addLink({ kind: 'veth', name: 'v0', up: true, peer: { name: 'p0', mtu: 1400 } });
    assert.equal(request.action, 'create veth v0');
    assert.equal(
      Buffer.from(request.body).toString('hex'),
      [
        '00000000000000000100000001000000', // struct ifinfomsg: IFF_UP, and that it is meant
        '0700030076300000', // IFLA_IFNAME "v0"
        '38001280', // IFLA_LINKINFO
        '0900010076657468' + '00000000', // IFLA_INFO_KIND "veth"
        '28000280', // IFLA_INFO_DATA
        '24000180', // VETH_INFO_PEER
        '00000000000000000000000000000000', // struct ifinfomsg
        '0700030070300000', // IFLA_IFNAME "p0"
        '0800040078050000', // IFLA_MTU 1400
      ].join(''),
    );
  });

  // The IFLA_INFO_DATA of `ip link add link lo name sub0 type …` (iproute2 6.1), as strace shows it.
  for (const { spec, data } of [
    { spec: { kind: 'macvlan', mode: 'vepa' }, data: '0800010002000000' },
    { spec: { kind: 'ipvlan', mode: 'l3s', flag: 'private' }, data: '06000100020000000600020001000000' },
    { spec: { kind: 'vlan', id: 10 }, data: '060001000a000000' },
  ] as const) {
    it(`\`addLink()\` writes the settings of a ${spec.kind} as ip(8) does`, () => {
      const hex = Buffer.from(addLink({ ...spec, name: 'sub0', parent: 1 }).body).toString('hex');
      assert.ok(hex.includes('0800050001000000'), 'IFLA_LINK 1');
      assert.ok(hex.endsWith(data), hex);
    });
  }
});
