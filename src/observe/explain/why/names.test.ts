import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NameQuestion } from '../../../base/name-question.ts';
import type { WhyReport } from '../../../base/wire/index.ts';
import { A, type Changes, iptables, listener } from '../../packet/testing/snapshots.ts';
import type { EmbeddedResolver, ResolveName } from '../names.ts';
import { ask, BRIDGE, container, RECORDS } from './testing/ask.ts';

const SERVER = '10.9.0.53';
const EMBEDDED: EmbeddedResolver = {
  address: '127.0.0.11',
  upstreams: [{ address: SERVER, from: 'host' }],
  asksSingleLabels: true,
};

type Told = Partial<NameQuestion> & Pick<NameQuestion, 'outcome'>;

/** A resolver that was told these things, and asked these servers. */
const answers =
  (told: readonly Told[], embedded?: EmbeddedResolver): ResolveName =>
  async (_asking, name) => {
    const questions = told.map((one) => ({ name, server: SERVER, addresses: [], ...one }));
    return {
      questions,
      addresses: questions.at(-1)?.addresses ?? [],
      ...(embedded === undefined ? {} : { embedded }),
    };
  };
const found = (...addresses: string[]) => answers([{ outcome: 'found', addresses }]);
const byEmbedded = (told: Told, embedded = EMBEDDED) =>
  answers([{ server: EMBEDDED.address, ...told }], embedded);

const nameSteps = ({ legs }: WhyReport) =>
  legs.flatMap(({ steps }) =>
    steps.filter(({ kind }) => kind === 'name').map(({ text, ok }) => `${text} ${ok}`),
  );

describe('a name of the outside', () => {
  it('is asked for first, and its address after it', async () => {
    const report = await ask({}, 'a', 'example.com', { resolve: found('203.0.113.9') });
    assert.equal(report.headline, 'Yes: container a reaches example.com (203.0.113.9), tcp/443.');
    assert.deepEqual(report.to, { kind: 'name', asked: 'example.com', address: '203.0.113.9' });
    assert.deepEqual(nameSteps(report), [
      'Container a asks name server 10.9.0.53 for example.com: 203.0.113.9. true',
    ]);
    assert.deepEqual(
      report.legs[0]?.steps.slice(0, 2).map(({ kind }) => kind),
      ['name', 'sent'],
    );
  });

  it('has its first address of the family that is asked for, or that the asker has', async () => {
    const resolve = found('2001:db8::9', '203.0.113.9', '203.0.113.10');
    const report = await ask({}, 'a', 'example.com:80', { resolve });
    assert.equal(report.port, 80);
    assert.deepEqual(nameSteps(report).at(-1), 'It is sent to the address 203.0.113.9. true');
    const six = await ask({}, 'a', 'example.com', { resolve, family: 6 });
    assert.equal(six.to.address, '2001:db8::9');
    const only4 = await ask({}, 'a', 'example.com', { resolve: found('203.0.113.9'), family: 6 });
    assert.deepEqual([only4.answer, only4.cause?.kind], ['no', 'name-empty']);
    assert.match(only4.cause?.text ?? '', /no IPv6 address/);
  });

  it('may be a container, by what resolves it', async () => {
    const resolve = answers([{ outcome: 'found', server: undefined, addresses: ['172.17.0.3'] }] as Told[]);
    const report = await ask({}, 'a', 'shop', { resolve, service: 'tcp/80' });
    assert.deepEqual([report.answer, report.to.container?.name], ['yes', 'b']);
    assert.match(
      nameSteps(report)[0] ?? '',
      /^In \/etc\/hosts of container a, the name shop means 172\.17\.0\.3\./,
    );
  });

  it('is asked for by whoever asks, and by the host where it asks itself', async () => {
    const askers: Array<string | undefined> = [];
    const resolve: ResolveName = async (asking, name) => {
      askers.push(asking?.name);
      return found('203.0.113.9')(asking, name);
    };
    await ask({}, 'bridge', 'example.com', { resolve });
    const { remarks, answer } = await ask({}, 'office.example', '10.9.0.1', { resolve });
    assert.equal(answer, 'yes');
    assert.ok(remarks.includes('By the host’s name servers, office.example is 203.0.113.9.'));
    assert.match(nameSteps(await ask({}, 'host', 'example.com', { resolve }))[0] ?? '', /^The host asks/);
    assert.deepEqual(askers, ['a', undefined, undefined]);
    await assert.rejects(
      ask({}, '192.0.2.7', 'example.com', { resolve }),
      /not known here: give the address/,
    );
    await assert.rejects(ask({}, 'world', 'example.com', { resolve }), /both ends are outside/);
    assert.equal(askers.length, 3);
  });

  it('is not asked for where nobody runs who could', async () => {
    const stopped = { ...container(A, 'a', '172.17.0.2', []), pid: 0, sandbox: undefined, state: 'exited' };
    const resolve: ResolveName = async () => assert.fail('asked');
    const { cause } = await ask({}, 'a', 'example.com', {
      resolve,
      records: { ...RECORDS, containers: () => [stopped] },
    });
    assert.equal(cause?.kind, 'not-running');
  });

  it('is refused with what was asked when it is one word that nobody knows', async () => {
    await assert.rejects(
      ask({}, 'a', 'wbe', { resolve: answers([{ outcome: 'unknown' }]) }),
      /^BridgeportError: No such container, network or address: wbe\. Container a asks name server 10\.9\.0\.53 for wbe: there is no such name\.$/,
    );
    const kept = byEmbedded({ outcome: 'unknown' }, { ...EMBEDDED, asksSingleLabels: false });
    await assert.rejects(ask({}, 'a', 'wbe', { resolve: kept }), /asks nobody else for a name without a dot/);
    await assert.rejects(ask({}, 'wbe', 'a', { resolve: kept }), /address: wbe$/);
    await assert.rejects(ask({}, 'wbe.example', 'a', { resolve: kept }), /The host asks .*no such name/);
  });

  const dnsDropped: Changes = {
    host: {
      firewall: iptables(
        '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p udp -m udp --dport 53 -j DROP\nCOMMIT\n',
      ),
    },
  };
  const outputDropped: Changes = {
    host: {
      firewall: iptables(
        '*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p udp -m udp --dport 53 -j DROP\nCOMMIT\n',
      ),
    },
  };
  const served: Changes = { host: { sockets: [listener('127.0.0.53', 53, { protocol: 'udp' })] } };
  const internal = { ...RECORDS, networks: () => [{ ...BRIDGE, internal: true }] };
  const faults: ReadonlyArray<
    readonly [
      name: string,
      options: Parameters<typeof ask>[3] & { changes?: Changes; from?: string },
      kind: string,
      text: RegExp,
      legs: number,
    ]
  > = [
    [
      'no such name',
      { resolve: answers([{ outcome: 'unknown' }]) },
      'name-unknown',
      /so says name server 10\.9\.0\.53/,
      1,
    ],
    ['no address', { resolve: answers([{ outcome: 'empty' }]) }, 'name-empty', /has no address/, 1],
    ['a blocked name', { resolve: found('0.0.0.0') }, 'name-blocked', /0\.0\.0\.0, which is nobody’s/, 1],
    [
      'a closed network',
      {
        resolve: byEmbedded({ outcome: 'failed', detail: 'SERVFAIL' }, { ...EMBEDDED, upstreams: [] }),
        records: internal,
      },
      'name-internal',
      /asks nobody outside/,
      1,
    ],
    [
      'a closed network of another engine, whose resolver asks from the container',
      {
        resolve: byEmbedded(
          { outcome: 'silent' },
          { ...EMBEDDED, upstreams: [{ address: SERVER, from: 'container' }] },
        ),
        engine: 'Docker',
        records: internal,
        changes: {
          host: {
            firewall: iptables(
              '*filter\n:FORWARD ACCEPT [0:0]\n:DOCKER-ISOLATION-STAGE-1 - [0:0]\n-A FORWARD -j DOCKER-ISOLATION-STAGE-1\n-A DOCKER-ISOLATION-STAGE-1 ! -d 172.17.0.0/16 -i docker0 -j DROP\nCOMMIT\n',
            ),
          },
        },
      },
      'name-unasked',
      /Network bridge is internal/,
      2,
    ],
    [
      'a server that a rule keeps off',
      { resolve: answers([{ outcome: 'silent' }]), changes: dnsDropped },
      'name-unasked',
      /does not get through to name server 10\.9\.0\.53\. The rule .*dport 53/,
      2,
    ],
    [
      "a server that a rule keeps off the engine's resolver",
      { resolve: byEmbedded({ outcome: 'failed', detail: 'SERVFAIL' }), changes: outputDropped },
      'name-unasked',
      /The rule "-A OUTPUT/,
      2,
    ],
    [
      'a server without a route to it',
      {
        resolve: answers([{ outcome: 'unreachable', detail: 'ENETUNREACH' }]),
        changes: { a: { routes: [] } },
      },
      'name-unasked',
      /no route to 10\.9\.0\.53 in container a/,
      2,
    ],
    [
      "a silent server behind the engine's resolver",
      { resolve: byEmbedded({ outcome: 'failed', detail: 'SERVFAIL' }) },
      'name-unanswered',
      /127\.0\.0\.11.* gets no answer, or a refusal\. Nothing here stands in the way to name server 10\.9\.0\.53/,
      3,
    ],
    [
      'a silent server',
      { resolve: answers([{ outcome: 'silent' }]) },
      'name-unanswered',
      /nothing here stands in the way/,
      3,
    ],
    [
      'a server that refuses',
      { resolve: answers([{ outcome: 'failed', detail: 'REFUSED' }]) },
      'name-unanswered',
      /Of name server 10\.9\.0\.53: it fails \(REFUSED\)/,
      1,
    ],
    [
      'a resolver of the host that fails',
      {
        from: 'host',
        resolve: answers([{ server: '127.0.0.53', outcome: 'failed', detail: 'SERVFAIL' }]),
        changes: served,
      },
      'name-unanswered',
      /127\.0\.0\.53: it fails \(SERVFAIL\)/,
      1,
    ],
    [
      'a resolver of the host that is gone',
      {
        from: 'host',
        resolve: answers([{ server: '127.0.0.53', outcome: 'unreachable', detail: 'ECONNREFUSED' }]),
      },
      'name-unasked',
      /Nothing listens on port 53\/udp in the host/,
      2,
    ],
  ];
  for (const [name, { changes = {}, from = 'a', ...options }, kind, text, legs] of faults) {
    it(`names ${name}`, async () => {
      const report = await ask(changes, from, 'example.com', options);
      assert.equal(report.answer, 'no');
      assert.equal(report.cause?.kind, kind);
      assert.match(report.cause.text, text);
      assert.ok(report.cause.remedies.length > 0);
      assert.equal(report.legs.length, legs);
      assert.equal(report.headline.includes('example.com'), true);
      const korean = await ask(changes, from, 'example.com', { ...options, language: 'ko' });
      for (const said of [korean.cause?.text ?? '', ...nameSteps(korean)]) {
        assert.match(said, /[가-힣]/);
        assert.doesNotMatch(said, /undefined|\bthe\b/);
      }
    });
  }

  it('tells a server that holds everybody up, though another one knows', async () => {
    const resolve = answers([
      { server: '10.9.0.52', outcome: 'silent' },
      { outcome: 'found', addresses: ['203.0.113.9'] },
    ]);
    const report = await ask({}, 'a', 'example.com', { resolve });
    assert.equal(report.answer, 'yes');
    assert.match(report.remarks.join(), /Name server 10\.9\.0\.52 does not answer/);
    assert.deepEqual(
      nameSteps(report).map((said) => said.split(' ').at(-1)),
      ['false', 'true'],
    );
  });
});
