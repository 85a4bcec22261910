/** The nftables backend in a namespace: what it remembers, and what it does when it remembers wrongly. Needs root. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { warmThreadPool } from '../../kernel/netns/index.ts';
import { NftContext } from '../../kernel/nft/index.ts';
import { type TestNetworks, testNetworks } from '../../kernel/testing/netns.ts';
import { Store } from '../../store/store.ts';
import { intentOf, network, published } from '../firewall/iptables/scenarios.testing.ts';
import { NftablesBackend, type NftTables } from './nftables-backend.ts';

const v4Only = { enabled: { v4: true, v6: false } };

function intent(ports: number, options = {}) {
  const mappings = Array.from({ length: ports }, (_, index) =>
    published('172.17.0.2', `${8000 + 2 * index}:80`),
  );
  return intentOf([network('docker0', '172.17.0.0/16', { ports: mappings })], options);
}

describe('NftablesBackend', () => {
  let networks: TestNetworks;
  let made = 0;
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
  });
  after(() => networks?.[Symbol.dispose]());

  /** A daemon's life on one host and store: each `start()` is the next daemon. */
  function stage() {
    const netns = networks.create(`nb${made++}`);
    const store = Store.open(':memory:');
    const applied = store.table<NftTables>('firewall_nftables');
    const nft = NftContext.open(netns);
    return {
      nft,
      applied,
      start: () => new NftablesBackend({ open: () => NftContext.open(netns), applied, log: silentLog }),
      tables: () => nft.run('list tables').trim().split('\n').filter(Boolean),
    };
  }

  test('the record says which tables are ours, and is as small with 500 ports as with one', async () => {
    const { applied, start } = stage();
    const backend = start();
    await backend.apply(intent(1), 'repair');
    const one = JSON.stringify(applied.all());
    await backend.apply(intent(500), 'change');
    assert.equal(JSON.stringify(applied.all()), one);
    assert.deepEqual(applied.all(), [['tables', { v4: true, v6: true }]]);
  });

  test('the next daemon reads what there is: it writes nothing twice, repairs, and clears', async () => {
    const { nft, applied, start, tables } = stage();
    await start().apply(intent(3), 'repair');
    const whole = nft.run('list table ip docker-bridges', { output: ['stateless'] });
    const next = start();
    assert.equal(await next.apply(intent(3), 'change'), false, 'nothing has changed');
    nft.run('flush map ip docker-bridges nat-ports');
    assert.equal(await start().apply(intent(3), 'repair'), true);
    assert.equal(nft.run('list table ip docker-bridges', { output: ['stateless'] }), whole);
    await start().apply(intent(3, v4Only), 'repair');
    assert.deepEqual(tables(), ['table ip docker-bridges'], 'the table of a family that is off is gone');
    await start().clear();
    assert.deepEqual(tables(), []);
    assert.deepEqual(applied.all(), [['tables', { v4: false, v6: false }]]);
  });

  test('a change on top of a flush is found out, read and written', async () => {
    const { nft, start } = stage();
    const backend = start();
    await backend.apply(intent(2), 'repair');
    nft.run('flush ruleset');
    assert.equal(await backend.apply(intent(3), 'change'), true);
    assert.match(nft.run('list map ip docker-bridges nat-ports'), /tcp \. 8004/);
  });

  test("another program's table is a conflict; once it is gone, the next change writes everything", async () => {
    const { nft, start } = stage();
    nft.run('table ip docker-bridges { chain filter-FORWARD { counter accept comment "theirs"; }; }');
    const backend = start();
    await assert.rejects(backend.apply(intent(1), 'change'), { kind: 'conflict' });
    nft.run('delete table ip docker-bridges');
    await backend.apply(intent(2), 'change');
    assert.match(nft.run('list map ip docker-bridges nat-ports'), /tcp \. 8002/);
  });

  test('`clear()` leaves a table alone that this daemon never wrote', async () => {
    const { nft, start, tables } = stage();
    nft.run('add table ip docker-bridges');
    await start().clear();
    assert.deepEqual(tables(), ['table ip docker-bridges']);
  });
});
