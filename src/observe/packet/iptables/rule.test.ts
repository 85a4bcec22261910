import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ip } from '../../../base/ip.ts';
import { evaluate, type Surroundings, type Ternary } from '../condition.ts';
import { newConnection, type Packet } from '../packet.ts';
import { readIptablesRule } from './rule.ts';

const AROUND: Surroundings = {
  addressType: (address) => (address === Ip.parse('10.9.0.1').value ? 'local' : 'unicast'),
  reversePath: ({ input }) => input === 'eth0',
};

function packet(fields: Partial<Packet> = {}): Packet {
  const made: Packet = {
    family: 4,
    protocol: 'tcp',
    direction: 'original',
    source: { ip: Ip.parse('10.9.0.2'), port: 40000 },
    destination: { ip: Ip.parse('172.17.0.2'), port: 80 },
    input: 'eth0',
    output: 'docker0',
    mark: 0,
    ...fields,
  };
  const connection = newConnection({ ...made, direction: 'original' });
  connection.translated = {
    source: connection.original.source,
    destination: { ip: Ip.parse('172.17.0.2'), port: 80 },
  };
  return { connection, ...made };
}

function matches(spec: string, fields: Partial<Packet> = {}): Ternary {
  const { steps } = readIptablesRule(`${spec} -j ACCEPT`, () => false);
  assert.equal(steps.at(-1)?.kind, 'verdict', spec);
  let all: Ternary = true;
  for (const step of steps) {
    if (step.kind !== 'match') continue;
    const one = evaluate(step.condition, packet(fields), AROUND);
    if (one === false) return false;
    if (one === undefined) all = undefined;
  }
  return all;
}

const dnat = {
  connection: {
    ...newConnection({ ...packet(), destination: { ip: Ip.parse('10.9.0.1'), port: 8080 } }),
    translated: { source: packet().source, destination: packet().destination },
  },
};

describe('matches of iptables', () => {
  const cases: ReadonlyArray<readonly [string, Ternary, Partial<Packet>?]> = [
    ['', true],
    ['-s 10.9.0.0/24', true],
    ['! -s 10.9.0.0/24', false],
    ['-d 172.17.0.2/32 -p tcp -m tcp --dport 80', true],
    ['-d 172.17.0.2/32 -p tcp -m tcp --dport 81:90', false],
    ['-p tcp -m tcp ! --dport 81:90', true],
    ['-p udp -m udp --dport 80', false],
    ['-p tcp -m multiport --dports 22,80,8000:8010', true],
    ['-p tcp -m multiport ! --dports 22,8000:8010', true],
    ['-p tcp -m multiport --ports 40000', true],
    ['-i eth+', true],
    ['! -i eth0 -o docker0', false],
    ['-m conntrack --ctstate NEW', true],
    ['-m conntrack --ctstate RELATED,ESTABLISHED', false],
    ['-m conntrack --ctstate RELATED,ESTABLISHED', true, { direction: 'reply' }],
    ['-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT', true],
    ['-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT', false, dnat],
    ['-m conntrack --ctstatus DNAT', true, dnat],
    ['-p tcp -m conntrack --ctorigdstport 8080', true, dnat],
    ['-m conntrack --ctorigdst 10.9.0.1 --ctdir ORIGINAL', true, dnat],
    ['-m state --state INVALID', true, { connection: undefined }],
    ['-m addrtype --dst-type LOCAL', false],
    ['-m addrtype --dst-type LOCAL', true, { destination: { ip: Ip.parse('10.9.0.1'), port: 80 } }],
    ['-m mark --mark 0x1/0xff', true, { mark: 0x101 }],
    ['-m iprange --src-range 10.9.0.1-10.9.0.9', true],
    ['-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN', true],
    ['-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN', false, { direction: 'reply' }],
    ['-p icmp -m icmp --icmp-type 8', true, { protocol: 'icmp' }],
    ['-m physdev --physdev-is-bridged', false],
    ['-m physdev --physdev-is-bridged', true, { bridgeOutput: 'veth1' }],
    ['-m rpfilter --invert', false],
    ['-m rpfilter --invert', true, { input: 'eth1' }],
    ['-m comment --comment "-j DROP it"', true],
    ['-m limit --limit 5/min', undefined],
    ['-m set --match-set banned src', undefined],
    ['-m owner --uid-owner 0 -o docker0', undefined],
    // Whatever it cannot tell, one question that is answered no is enough.
    ['-m limit --limit 5/min -i eth9', false],
  ];
  for (const [spec, expected, fields] of cases) {
    it(`\`${spec}\` is ${expected}${fields === undefined ? '' : ' of another packet'}`, () => {
      assert.equal(matches(spec, fields), expected);
    });
  }

  it('reads targets with their options', () => {
    const last = (spec: string, isChain = false) => readIptablesRule(spec, () => isChain).steps.at(-1);
    assert.deepEqual(last('-j DNAT --to-destination 172.17.0.2:80'), {
      kind: 'translate',
      what: 'destination',
      how: 'dnat',
      to: { address: '172.17.0.2', port: 80 },
    });
    assert.deepEqual(last('-j DNAT --to-destination [fd00::2]:80'), {
      kind: 'translate',
      what: 'destination',
      how: 'dnat',
      to: { address: 'fd00::2', port: 80 },
    });
    assert.deepEqual(last('-j REJECT --reject-with icmp-port-unreachable'), {
      kind: 'verdict',
      verdict: { kind: 'reject', with: 'icmp-port-unreachable' },
    });
    assert.deepEqual(last('-g KUBE-MARK', true), {
      kind: 'verdict',
      verdict: { kind: 'goto', chain: 'KUBE-MARK' },
    });
    assert.equal(last('-j LOG --log-prefix "-j DROP "')?.kind, 'note');
    assert.equal(last('-j SOMETHING --new')?.kind, 'opaque');
    assert.equal(last('-j CT --notrack')?.kind, 'notrack');
  });
});
