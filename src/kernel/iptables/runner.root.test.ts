import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isKind } from '../../base/errors.ts';
import { warmThreadPool } from '../netns/index.ts';
import { type TestNetworks, testNetworks } from '../testing/netns.ts';
import { IptablesRunner, parseIptablesSave, quoteRuleWord, ruleWords } from './index.ts';

for (const family of [4, 6] as const) {
  const program = family === 4 ? 'iptables' : 'ip6tables';
  describe(program, () => {
    let networks: TestNetworks;
    let runner: IptablesRunner;
    before(async () => {
      await warmThreadPool();
      networks = testNetworks();
      runner = new IptablesRunner({ family, netns: networks.create('host') });
    });
    after(() => networks?.[Symbol.dispose]());

    it('`version()` tells number and backend', async () => {
      const { version, backend } = await runner.version();
      assert.match(version, /^1\.\d+/);
      assert.ok(backend === 'nf_tables' || backend === 'legacy');
    });

    it('`restore()` applies what `save()` reads back, and keeps what the text does not mention', async () => {
      const comment = 'it\'s "quoted" \\ here';
      await runner.restore('*filter\n:MINE - [0:0]\n-A MINE -j ACCEPT\nCOMMIT\n');
      await runner.restore(
        `*filter\n:DOCKER - [0:0]\n-A DOCKER -i docker0 -m comment --comment ${quoteRuleWord(comment)} -j DROP\n` +
          '-I FORWARD -o docker0 -j DOCKER\nCOMMIT\n',
      );
      const chains = parseIptablesSave(await runner.save('filter')).get('filter')?.chains;
      assert.deepEqual(
        chains?.get('MINE')?.rules.map(({ spec }) => spec),
        ['-j ACCEPT'],
      );
      assert.equal(chains?.get('FORWARD')?.rules[0]?.text, '-A FORWARD -o docker0 -j DOCKER');
      const words = ruleWords(chains?.get('DOCKER')?.rules[0]?.spec ?? '');
      assert.equal(words[words.indexOf('--comment') + 1], comment);
      const counted = parseIptablesSave(await runner.save('filter', { counters: true }));
      assert.deepEqual(counted.get('filter')?.chains.get('MINE')?.rules[0]?.counters, {
        packets: 0,
        bytes: 0,
      });
    });

    it('`restore()` applies nothing of a text with an error, and quotes words and line', async () => {
      const before = await runner.save('filter');
      const bad = '*filter\n-A MINE -j DROP\n-A MINE -j NOSUCHCHAIN\nCOMMIT\n';
      await assert.rejects(runner.restore(bad), (error: Error) => {
        assert.match(error.message, new RegExp(`^${program}-restore: .*NOSUCHCHAIN`));
        return true;
      });
      await assert.rejects(
        runner.restore('*filter\n-A MINE --no-such-option\nCOMMIT\n'),
        /unknown option.*\(line 2: "-A MINE --no-such-option"\)/,
      );
      const rules = (text: string) => parseIptablesSave(text).get('filter')?.chains;
      assert.deepEqual(rules(await runner.save('filter')), rules(before));
    });

    it('a table that does not exist, and an aborted run, are errors', async () => {
      await assert.rejects(runner.save('nosuchtable'), /nosuchtable/);
      await assert.rejects(runner.restore('*filter\nCOMMIT\n', { signal: AbortSignal.abort() }), {
        name: 'AbortError',
      });
    });

    it('a program that is not installed is `unavailable`', async () => {
      const absent = new IptablesRunner({ family, directory: '/nonexistent' });
      await assert.rejects(absent.version(), (error) => isKind(error, 'unavailable'));
    });
  });
}
