import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type NetnsHandle, warmThreadPool } from '../../../kernel/netns/index.ts';
import { type TestNetworks, testNetworks } from '../../../kernel/testing/netns.ts';
import { FLAG, RCODE, TYPE } from '../message/constants.ts';
import { a, answer } from '../testing/messages.ts';
import { type Behaviour, TestNameServer } from '../testing/name-server.ts';
import { lookUpName } from './lookup.ts';

const ADDRESS = '192.0.2.1';
const knows =
  (...names: string[]): Behaviour =>
  ({ message, name, type }) =>
    names.includes(name)
      ? answer(message, { answers: type === TYPE.A ? [a(name, ADDRESS)] : [] })
      : answer(message, { rcode: RCODE.NXDOMAIN });

describe('`lookUpName()`', () => {
  let networks: TestNetworks;
  let netns: NetnsHandle;
  let first: TestNameServer;
  let second: TestNameServer;

  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    netns = networks.create('web');
    first = new TestNameServer(netns, '127.0.0.91', knows());
    second = new TestNameServer(netns, '127.0.0.92', knows());
  });
  after(() => {
    first?.[Symbol.dispose]();
    second?.[Symbol.dispose]();
    networks?.[Symbol.dispose]();
  });

  const both = 'nameserver 127.0.0.91\nnameserver 127.0.0.92\n';
  const times = { server: 300, retransmit: 100 };
  const lookUp = (name: string, resolvConf = both, hosts = '') =>
    lookUpName(name, { hosts, resolvConf, netns, times });

  it('asks nobody for what stands in /etc/hosts', async () => {
    const { questions, addresses } = await lookUp('db', both, '10.0.0.7 db\n');
    assert.deepEqual(addresses, ['10.0.0.7']);
    assert.deepEqual(questions, [{ name: 'db', outcome: 'found', addresses }]);
  });

  it('takes the first answer, also that there is no such name, and goes along the search list', async () => {
    first.behaviour = knows('db.corp.example');
    second.asked.length = 0;
    const { questions, addresses } = await lookUp('db.corp', `${both}search lab.example example\n`);
    assert.deepEqual(addresses, [ADDRESS]);
    assert.deepEqual(
      questions.map(({ name, server, outcome }) => `${server} ${name} ${outcome}`),
      [
        '127.0.0.91 db.corp unknown',
        '127.0.0.91 db.corp.lab.example unknown',
        '127.0.0.91 db.corp.example found',
      ],
    );
    assert.deepEqual(second.asked, []);
  });

  it('asks the next one when one is silent, fails, or cannot be asked, and says so of each', async () => {
    second.behaviour = knows('example.com');
    const outcomeOf = async (server = '127.0.0.91') => {
      const { questions, addresses } = await lookUp(
        'example.com',
        `nameserver ${server}\nnameserver 127.0.0.92\n`,
      );
      assert.deepEqual(addresses, [ADDRESS]);
      assert.equal(questions.length, 2);
      return [questions[0]?.outcome, questions[0]?.detail];
    };
    first.behaviour = () => undefined;
    first.asked.length = 0;
    assert.deepEqual(await outcomeOf(), ['silent', undefined]);
    assert.equal(first.asked.length, 4, 'both types, and both again');
    first.behaviour = ({ message }) => answer(message, { rcode: RCODE.REFUSED });
    assert.deepEqual(await outcomeOf(), ['failed', 'REFUSED']);
    assert.deepEqual(await outcomeOf('127.0.0.93'), ['unreachable', 'ECONNREFUSED']);
    assert.deepEqual(await outcomeOf('198.51.100.53'), ['unreachable', 'ENETUNREACH']);
  });

  it('tells a name without addresses from one that does not exist, and does not ask on where nobody can tell', async () => {
    first.behaviour = ({ message }) => answer(message, {});
    assert.equal((await lookUp('mail.example')).questions.at(-1)?.outcome, 'empty');
    first.behaviour = second.behaviour = () => undefined;
    const { questions } = await lookUp('db.corp', `${both}search lab.example\n`);
    assert.deepEqual(
      questions.map(({ name, outcome }) => [name, outcome]),
      [
        ['db.corp', 'silent'],
        ['db.corp', 'silent'],
      ],
    );
  });

  it('asks again over TCP what was cut, and takes no answer to another question', async () => {
    first.behaviour = (asked) => {
      const { message, name, protocol } = asked;
      if (asked.type !== TYPE.A) return answer(message, {});
      if (protocol === 'udp') {
        const other = answer(message, { answers: [a(name, '192.0.2.66')] });
        other.writeUInt16BE(other.readUInt16BE(0) ^ 1, 0);
        return [other, answer(message, { flags: FLAG.TC })];
      }
      return answer(message, { answers: [a(name, ADDRESS)] });
    };
    assert.deepEqual((await lookUp('example.com')).addresses, [ADDRESS]);
  });
});
