import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import type { Traffic } from '../src/base/wire/index.ts';
import type { Api } from './api.ts';
import { Refusal } from './api.ts';
import { Live, type LiveEvents } from './live.ts';

/** As much of a document as is looked at. */
const page = {
  hidden: false,
  listener: () => {},
  addEventListener(_type: string, run: () => void) {
    page.listener = run;
  },
};
Object.assign(globalThis, { document: page });

const turn = (hidden: boolean) => {
  page.hidden = hidden;
  page.listener();
};

/** Lets timers run, and what they set going, for so many seconds. */
async function pass(seconds: number): Promise<void> {
  for (let tenth = 0; tenth < seconds * 10; tenth++) {
    mock.timers.tick(100);
    for (let step = 0; step < 8; step++) await Promise.resolve();
  }
}

function watch(answer: (name: string) => unknown) {
  const asked: string[] = [];
  const failures: string[] = [];
  const api = {
    async read(name: string) {
      asked.push(name);
      return answer(name);
    },
  } as unknown as Api;
  const events: LiveEvents = { map() {}, rates() {}, failure: (kind) => void failures.push(kind) };
  const live = new Live(api, events);
  live.start();
  const count = (name: string) => asked.filter((one) => one === name).length;
  return { live, asked, failures, count };
}

const traffic = (...names: string[]): Traffic => ({
  time: 0,
  links: names.map((name, index) => ({
    ...{ name, index, rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0, rxDropped: 0, txDropped: 0 },
  })),
});

beforeEach(() => {
  page.hidden = false;
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
});

test('counters are read each second, the map each five, and at once when a link came', async () => {
  let links = ['eth0'];
  const { count } = watch((name) => (name === 'traffic' ? traffic(...links) : {}));
  await pass(10.5);
  assert.deepEqual([count('traffic'), count('map')], [11, 3]);
  links = ['eth0', 'veth0'];
  await pass(1);
  assert.deepEqual([count('traffic'), count('map')], [12, 4]);
});

test('a page that nobody sees, or that was paused, asks nothing', async () => {
  const { live, asked } = watch((name) => (name === 'traffic' ? traffic('eth0') : {}));
  await pass(2);
  turn(true);
  const before = asked.length;
  await pass(30);
  assert.equal(asked.length, before);
  turn(false);
  await pass(1);
  assert.ok(asked.length > before);
  live.paused = true;
  const paused = asked.length;
  await pass(30);
  turn(false);
  await pass(30);
  assert.equal(asked.length, paused);
});

test('a daemon that does not answer is asked more seldom; one that refuses the token, never again', async () => {
  const silent = watch(() => {
    throw new Error('cut');
  });
  await pass(9.5);
  assert.deepEqual(silent.failures, Array(4).fill('unreachable'));
  silent.live.paused = true;
  const refused = watch(() => {
    throw new Refusal(401, 'the token is wrong');
  });
  await pass(30);
  turn(false);
  await pass(30);
  assert.deepEqual([refused.failures, refused.asked.length], [['unauthorized'], 1]);
});
