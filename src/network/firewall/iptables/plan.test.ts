import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../../ipam/seeded-random.testing.ts';
import { compileIptables } from './compile.ts';
import { parseSaved } from './observed.ts';
import { planTransaction } from './plan.ts';
import { emptyRuleSet, type RuleSet, unionRuleSet } from './rules.ts';
import { intentOf, link, network, published } from './scenarios.testing.ts';
import { SimulatedTables } from './simulated-tables.testing.ts';

const NOTHING = emptyRuleSet(4);
const compile = (...networks: Parameters<typeof intentOf>[0]) => compileIptables(intentOf(networks)).v4;
const BARE = compile(network('docker0', '172.17.0.0/16'));
const WEB = compile(
  network('docker0', '172.17.0.0/16', {
    ports: [published('172.17.0.2', '8080:80'), published('172.17.0.3', '8081:80')],
  }),
);
const WEB_RULE = '-d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT';

/** Tables with `set` applied. */
function applied(set: RuleSet): SimulatedTables {
  const tables = new SimulatedTables();
  tables.restore(planTransaction(NOTHING, set, { observed: tables.observed }));
  return tables;
}

describe('planTransaction', () => {
  test('writes everything, in order, into empty tables', () => {
    assert.equal(
      planTransaction(NOTHING, BARE),
      `*filter
:FORWARD DROP [0:0]
-N DOCKER
-N DOCKER-ISOLATION-STAGE-1
-N DOCKER-ISOLATION-STAGE-2
-N DOCKER-USER
-A DOCKER-USER -j RETURN
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -d 172.17.0.0/16 ! -i docker0 -o docker0 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
COMMIT
*nat
-N DOCKER
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
COMMIT
`,
    );
  });

  test('is empty when nothing has changed, with and without a look at the kernel', () => {
    const { observed } = applied(WEB);
    assert.equal(planTransaction(WEB, WEB, { observed }), '');
    assert.equal(planTransaction(WEB, WEB), '');
    assert.equal(
      planTransaction(NOTHING, WEB, { observed }),
      '',
      'rules that are there are not written twice',
    );
  });

  test('is the difference alone when a port comes or goes', () => {
    const tables = applied(BARE);
    const { observed } = tables;
    const text = planTransaction(BARE, WEB, { observed });
    assert.equal(text.split('\n').filter((line) => line.startsWith('-')).length, 6);
    assert.equal(planTransaction(BARE, WEB), text, 'the record alone gives the same');
    tables.restore(text);
    tables.restore(planTransaction(WEB, BARE, { observed: tables.observed }));
    assert.deepEqual(tables.observed, observed);
  });

  test('puts our jumps before the rules that others have in FORWARD, and appends elsewhere', () => {
    const tables = new SimulatedTables();
    tables.restore(
      '*filter\n-A FORWARD -i tun0 -j ACCEPT\nCOMMIT\n*nat\n-A PREROUTING -i tun0 -j RETURN\nCOMMIT\n',
    );
    tables.restore(planTransaction(NOTHING, BARE, { observed: tables.observed }));
    assert.equal(tables.rules('filter', 'FORWARD')[0], '-j DOCKER-USER');
    assert.equal(tables.rules('filter', 'FORWARD').at(-1), '-i tun0 -j ACCEPT');
    assert.equal(tables.rules('nat', 'PREROUTING')[0], '-i tun0 -j RETURN');
  });

  test('does not move our rules behind or before what a user inserts later', () => {
    const tables = applied(BARE);
    tables.restore(
      '*filter\n-I FORWARD 1 -s 192.0.2.1/32 -j DROP\n-I FORWARD 4 -s 192.0.2.2/32 -j DROP\nCOMMIT\n',
    );
    assert.equal(planTransaction(BARE, BARE, { observed: tables.observed, missing: 'restore' }), '');
  });

  test('adds a rule between ours in its order, whatever the user put among them', () => {
    const one = compile(network('docker0', '172.17.0.0/16', { ports: [published('172.17.0.3', '8081:80')] }));
    const tables = applied(one);
    tables.restore(
      '*filter\n-I DOCKER 1 -s 192.0.2.1/32 -j DROP\n-A DOCKER -s 192.0.2.2/32 -j DROP\nCOMMIT\n',
    );
    tables.restore(planTransaction(one, WEB, { observed: tables.observed }));
    assert.deepEqual(tables.rules('filter', 'DOCKER'), [
      '-s 192.0.2.1/32 -j DROP',
      WEB_RULE,
      WEB_RULE.replace('172.17.0.2', '172.17.0.3'),
      '-s 192.0.2.2/32 -j DROP',
    ]);
  });

  test("leaves DOCKER-USER's content alone, and makes it only when it is missing", () => {
    const tables = new SimulatedTables();
    tables.restore('*filter\n-N DOCKER-USER\n-A DOCKER-USER -s 192.0.2.1/32 -j DROP\nCOMMIT\n');
    tables.restore(planTransaction(NOTHING, WEB, { observed: tables.observed }));
    assert.deepEqual(tables.rules('filter', 'DOCKER-USER'), ['-s 192.0.2.1/32 -j DROP']);
    tables.restore(planTransaction(WEB, NOTHING, { observed: tables.observed }));
    assert.deepEqual(tables.rules('filter', 'DOCKER-USER'), ['-s 192.0.2.1/32 -j DROP']);
    assert.deepEqual(tables.rules('filter', 'FORWARD'), ['-j DOCKER-USER'], 'the rules in it stay in force');
  });

  test('a rule that the user deleted stays away, and does not make removal fail', () => {
    const tables = applied(WEB);
    tables.restore(`*filter\n-D DOCKER ${WEB_RULE}\nCOMMIT\n`);
    assert.equal(planTransaction(WEB, WEB, { observed: tables.observed }), '');
    const more = compile(
      network('docker0', '172.17.0.0/16', {
        ports: [
          published('172.17.0.2', '8080:80'),
          published('172.17.0.3', '8081:80'),
          published('172.17.0.4', '9:9'),
        ],
      }),
    );
    tables.restore(planTransaction(WEB, more, { observed: tables.observed }));
    assert.equal(tables.rules('filter', 'DOCKER').includes(WEB_RULE), false);
    tables.restore(planTransaction(more, BARE, { observed: tables.observed }));
    assert.deepEqual(tables.observed, applied(BARE).observed);
  });

  test('a rule that the user deleted comes back with its container, and on `restore`', () => {
    const tables = applied(WEB);
    tables.restore(`*filter\n-D DOCKER ${WEB_RULE}\nCOMMIT\n`);
    const copy = tables.clone();

    tables.restore(planTransaction(WEB, BARE, { observed: tables.observed }));
    tables.restore(planTransaction(BARE, WEB, { observed: tables.observed }));
    assert.deepEqual(tables.observed, applied(WEB).observed);

    copy.restore(planTransaction(WEB, WEB, { observed: copy.observed, missing: 'restore' }));
    assert.deepEqual(copy.observed, applied(WEB).observed);
  });

  test('a flushed table comes back whole', () => {
    const tables = applied(WEB);
    for (const chain of tables.tables.get('filter')?.values() ?? []) chain.rules.length = 0;
    tables.restore(planTransaction(WEB, WEB, { observed: tables.observed }));
    const expected = applied(WEB);
    // The chain DOCKER-USER was there all the time, and what is in it is not ours to write again.
    expected.rules('filter', 'DOCKER-USER').length = 0;
    assert.deepEqual(tables.observed, expected.observed);
  });

  test('a flushed chain of the kernel comes back whole, without what was taken away elsewhere', () => {
    const tables = applied(WEB);
    tables.rules('filter', 'FORWARD').length = 0;
    tables.restore(`*filter\n-D DOCKER ${WEB_RULE}\nCOMMIT\n`);
    tables.restore(planTransaction(WEB, WEB, { observed: tables.observed }));
    const expected = applied(WEB);
    expected.restore(`*filter\n-D DOCKER ${WEB_RULE}\nCOMMIT\n`);
    assert.deepEqual(tables.observed, expected.observed);
  });

  test('sets the policy of FORWARD once, and again only on `restore`', () => {
    const tables = applied(BARE);
    assert.equal(tables.observed.get('filter')?.get('FORWARD')?.policy, 'DROP');
    tables.restore('*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n');
    const { observed } = tables;
    assert.equal(planTransaction(BARE, BARE, { observed }), '');
    assert.equal(
      planTransaction(BARE, BARE, { observed, missing: 'restore' }),
      '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n',
    );
    const relaxed = compileIptables(intentOf([], { forwardDrop: { v4: false, v6: false } })).v4;
    assert.doesNotMatch(planTransaction(NOTHING, relaxed), /:FORWARD/);
  });

  test('takes everything away, but not a chain that others use', () => {
    const tables = applied(WEB);
    const mine = '*filter\n-A DOCKER -s 192.0.2.1/32 -j DROP\n-A INPUT -j DOCKER-ISOLATION-STAGE-2\nCOMMIT\n';
    tables.restore(mine);
    tables.restore(planTransaction(WEB, NOTHING, { observed: tables.observed }));
    const filter = tables.observed.get('filter');
    assert.deepEqual([...(filter?.keys() ?? [])].filter((name) => name.startsWith('DOCKER')).sort(), [
      'DOCKER',
      'DOCKER-ISOLATION-STAGE-2',
      'DOCKER-USER',
    ]);
    assert.deepEqual(tables.rules('filter', 'DOCKER'), ['-s 192.0.2.1/32 -j DROP']);
    assert.deepEqual(
      [...(tables.observed.get('nat')?.keys() ?? [])],
      ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
    );
  });

  test('leaves a Docker beside us its chains and the jumps into them', () => {
    const tables = applied(WEB);
    tables.restore(
      [
        '*filter',
        '-I DOCKER-ISOLATION-STAGE-1 1 -i br-docker ! -o br-docker -j DOCKER-ISOLATION-STAGE-2',
        'COMMIT',
        '*nat',
        '-A DOCKER ! -i br-docker -p tcp -m tcp --dport 9000 -j DNAT --to-destination 172.30.0.2:80',
        'COMMIT',
        '',
      ].join('\n'),
    );
    tables.restore(planTransaction(WEB, NOTHING, { observed: tables.observed }));
    assert.deepEqual(tables.rules('filter', 'FORWARD'), ['-j DOCKER-USER', '-j DOCKER-ISOLATION-STAGE-1']);
    assert.deepEqual(tables.rules('nat', 'PREROUTING'), ['-m addrtype --dst-type LOCAL -j DOCKER']);
    assert.equal(tables.rules('nat', 'OUTPUT').length, 1);
    assert.equal(tables.rules('nat', 'DOCKER').length, 1);
    assert.equal(tables.observed.get('filter')?.has('DOCKER'), false);
  });

  test('of two equal rules, one of ours and one of the user, one stays', () => {
    const tables = applied(WEB);
    tables.restore(`*filter\n-A DOCKER ${WEB_RULE}\nCOMMIT\n`);
    assert.equal(planTransaction(WEB, WEB, { observed: tables.observed }), '');
    tables.restore(planTransaction(WEB, BARE, { observed: tables.observed }));
    assert.deepEqual(tables.rules('filter', 'DOCKER'), [WEB_RULE]);
  });

  test('cleans up after a crash in the middle, from the union that was recorded', () => {
    const tables = applied(BARE);
    const text = planTransaction(BARE, WEB, { observed: tables.observed });
    tables.restore(text.slice(0, text.indexOf('*nat')));
    const recorded = unionRuleSet(BARE, WEB);
    tables.restore(planTransaction(recorded, BARE, { observed: tables.observed, missing: 'restore' }));
    assert.deepEqual(tables.observed, applied(BARE).observed);
  });

  test('a rule set survives being stored as JSON', () => {
    const stored = JSON.parse(JSON.stringify(WEB)) as RuleSet;
    assert.equal(planTransaction(stored, WEB, { observed: applied(WEB).observed }), '');
  });

  test('keeps its promises through 400 random changes of ours and of a user', () => {
    const random = seededRandom(20_10_24);
    const tables = new SimulatedTables();
    let previous: RuleSet = NOTHING;
    const users = new Set<string>();
    const others = () =>
      JSON.stringify(
        [...tables.tables].map(([table, chains]) => [
          table,
          [...chains]
            .map(([name, chain]) => [name, chain.rules.filter((args) => users.has(args))])
            .filter(([, r]) => r?.length),
        ]),
      );
    for (let round = 0; round < 400; round++) {
      interfere(tables, users, random, round);
      const next = random(25) === 0 ? NOTHING : randomRules(random);
      const missing = random(2) === 0 ? 'respect' : 'restore';
      const before = others();
      tables.restore(planTransaction(previous, next, { observed: tables.observed, missing }));
      assert.equal(others(), before, "the user's rules stay, in order");
      assert.equal(
        planTransaction(next, next, { observed: tables.observed, missing }),
        '',
        'a second time: nothing',
      );
      if (missing === 'restore') assertHolds(tables, next);
      previous = next;
    }
    tables.restore(planTransaction(previous, NOTHING, { observed: tables.observed }));
    const left = [...tables.tables.values()].flatMap((chains) =>
      [...chains.values()].flatMap((chain) => chain.rules),
    );
    assert.deepEqual(
      left.filter((args) => !users.has(args) && !/^(-m addrtype|! -d 127|-j DOCKER-)/.test(args)),
      left.includes('-j RETURN') ? ['-j RETURN'] : [],
      'what is left of ours are jumps into chains that hold rules of the user, and RETURN in DOCKER-USER',
    );
  });
});

test('`planTransaction()` by the record alone: whatever comes and goes, the tables hold what is wanted, in order', () => {
  const random = seededRandom(28_29);
  let previous = randomRules(random);
  const tables = applied(previous);
  for (let round = 0; round < 400; round++) {
    const next = randomRules(random);
    tables.restore(planTransaction(previous, next));
    for (const chain of next.chains) {
      const wanted = next.rules.filter((rule) => rule.table === chain.table && rule.chain === chain.name);
      const seed = chain.seed ?? [];
      assert.deepEqual(
        tables.rules(chain.table, chain.name),
        [...seed, ...wanted].map(({ args }) => args),
      );
    }
    previous = next;
  }
});

/** A user inserts, appends and deletes rules, their own and ours, anywhere. */
function interfere(
  tables: SimulatedTables,
  users: Set<string>,
  random: (n: number) => number,
  round: number,
): void {
  for (let change = random(4); change > 0; change--) {
    const chains = [...tables.tables.values()].flatMap((table) => [...table.entries()]);
    const [name, chain] = chains[random(chains.length)] ?? ['', { rules: [] }];
    if (random(3) === 0) {
      // DOCKER-USER is the user's: what they take out of it does not come back, which is tested above.
      if (name !== 'DOCKER-USER') chain.rules.splice(random(chain.rules.length + 1), 1);
    } else {
      const rule = `-s 192.0.2.${round % 250}/32 -m comment --comment u${round}-${change} -j ACCEPT`;
      users.add(rule);
      chain.rules.splice(random(chain.rules.length + 1), 0, rule);
    }
  }
}

function randomRules(random: (n: number) => number): RuleSet {
  const bridges = ['docker0', 'br-a', 'br-b'].filter((_, index) => index === 0 || random(2) === 0);
  return compile(
    ...bridges.map((bridge, index) => {
      const at = (host: number) => `172.${17 + index}.0.${host}`;
      return network(bridge, `172.${17 + index}.0.0/16`, {
        icc: random(3) > 0,
        internal: index > 0 && random(4) === 0,
        ports: Array.from({ length: random(5) }, () => {
          const port = 8000 + random(12);
          return published(
            at(2 + random(3)),
            `${random(4) === 0 ? '127.0.0.1:' : ''}${port}:${random(2) === 0 ? port : 80}`,
          );
        }),
        links: random(2) === 0 ? [link(at(2), at(3), '80/tcp')] : [],
      });
    }),
  );
}

/** Every rule of `set` is there, in order. */
function assertHolds(tables: SimulatedTables, set: RuleSet): void {
  for (const chain of set.chains) {
    const wanted = set.rules.filter((rule) => rule.table === chain.table && rule.chain === chain.name);
    const texts = new Set(wanted.map((rule) => rule.args));
    const found = tables.rules(chain.table, chain.name).filter((args) => texts.has(args));
    assert.deepEqual(
      found,
      wanted.map((rule) => rule.args),
      `${chain.table} ${chain.name}`,
    );
  }
}

test('`parseSaved()` reads counters, policies and empty rules, and quotes what it cannot read', () => {
  const tables = parseSaved(
    '# comment\n*filter\n:FORWARD DROP [1:2]\n:DOCKER - [0:0]\n[3:4] -A DOCKER -j RETURN\n-A DOCKER\nCOMMIT\n',
  );
  assert.equal(tables.get('filter')?.get('FORWARD')?.policy, 'DROP');
  assert.deepEqual(tables.get('filter')?.get('DOCKER'), { rules: ['-j RETURN', ''] });
  assert.throws(
    () => parseSaved('*filter\n-A NOWHERE -j DROP\n'),
    /cannot make sense of "-A NOWHERE -j DROP"/,
  );
});
