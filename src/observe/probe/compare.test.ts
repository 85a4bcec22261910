import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ip } from '../../base/ip.ts';
import type { TraceEvent } from '../../kernel/netlink/index.ts';
import { CATALOGUES } from '../explain/text/index.ts';
import { HOST } from '../packet/snapshot.ts';
import { A, iptables, listener, twoContainers } from '../packet/testing/snapshots.ts';
import { exchange } from '../packet/walk/exchange.ts';
import { compareProbe } from './compare.ts';

const RULES =
  '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -s 192.0.2.1/32 -j DROP\n-A FORWARD -d 198.51.100.0/24 -j DROP\nCOMMIT\n';

/** What the model says of a connection into the world, or to another container. */
const predict = (address: string, port: number) =>
  exchange(twoContainers({ host: { firewall: iptables(RULES) } }), {
    asker: { kind: 'namespace', id: A },
    protocol: 'tcp',
    destination: { ip: Ip.parse(address), port },
  });

const event = (fields: Partial<TraceEvent>): TraceEvent => ({
  id: 1,
  ports: [40000, 80],
  family: 'ip',
  table: 'filter',
  chain: 'FORWARD',
  type: 'rule',
  handle: 11,
  verdict: 'accept',
  target: undefined,
  input: undefined,
  output: undefined,
  ...fields,
});
/** The chain's rules have the handles 11, 12 … */
const handles = { numberOf: ({ handle }: TraceEvent) => (handle === undefined ? undefined : handle - 10) };

function compare(
  model: ReturnType<typeof predict>,
  outcome: 'connected' | 'refused' | 'silent',
  events: TraceEvent[],
) {
  const common = { protocol: 'tcp', handles, hasLegacy: false, text: CATALOGUES.en } as const;
  return compareProbe({ exchange: model, outcome, events, ...common });
}

describe('`compareProbe()`', () => {
  it('agrees when packet and model end at the same rule', () => {
    const { agrees } = compare(predict('198.51.100.7', 443), 'silent', [
      event({ handle: 12, verdict: 'drop' }),
    ]);
    assert.equal(agrees, true);
  });

  it('differs when the packet was dropped by another rule, or by none', () => {
    const model = predict('198.51.100.7', 443);
    const other = compare(model, 'silent', [event({ handle: 11, verdict: 'drop' })]);
    assert.equal(other.agrees, false);
    assert.match(other.text, /ip filter FORWARD, rule 1/);
    assert.equal(compare(model, 'connected', [event({})]).agrees, false);
  });

  it('differs when the model promised an answer that did not come', () => {
    const model = predict('172.17.0.3', 80);
    assert.equal(model.works, true);
    assert.equal(compare(model, 'connected', [event({})]).agrees, true);
    assert.equal(compare(model, 'silent', [event({})]).agrees, false);
    assert.equal(
      compare(model, 'silent', [event({ type: 'policy', verdict: 'drop', handle: undefined })]).agrees,
      false,
    );
  });

  it('is satisfied with a refusal where the model found nobody listening', () => {
    assert.equal(compare(predict('172.17.0.3', 81), 'refused', []).agrees, true);
  });

  it('does not judge what happens beyond this host', () => {
    const model = exchange(twoContainers({ a: { sockets: [listener('0.0.0.0', 1)] } }), {
      asker: { kind: 'namespace', id: HOST },
      protocol: 'tcp',
      destination: { ip: Ip.parse('198.51.100.7'), port: 443 },
    });
    assert.equal(model.works, true);
    assert.equal(compare(model, 'silent', [event({})]).agrees, null);
  });
});
