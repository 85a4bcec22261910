import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import type { NetworkEvent } from '../../kernel/netlink/index.ts';
import { watchFirewall } from './firewall-watch.ts';
import { OwnWriters } from './own-writers.ts';

const DAEMON = 100;
const ITS_PROGRAM = 101;
const SOMEBODY = 200;

/** A watched firewall, and what the kernel announces. */
function stage() {
  let tell: (event: NetworkEvent) => void = () => {};
  let heals = 0;
  const writers = new OwnWriters(DAEMON);
  writers.add(ITS_PROGRAM);
  const end = watchFirewall(
    {
      heal: async () => {
        heals++;
        return true;
      },
    },
    {
      writers,
      log: silentLog,
      open: ({ onEvent }) => {
        tell = onEvent;
        return { flush() {}, close() {}, [Symbol.dispose]() {} };
      },
    },
  );
  return {
    end,
    writtenBy: (pid: number) => tell({ subject: 'nftables', generation: 1, pid, program: 'x' }),
    overrun: () => tell({ subject: 'overrun' }),
    heals: () => heals,
  };
}

describe('watchFirewall()', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'] }));
  afterEach(() => mock.timers.reset());

  test("what the daemon and its programs write is not healed; somebody else's is, in the middle of it too", () => {
    const { writtenBy, heals } = stage();
    writtenBy(DAEMON);
    writtenBy(ITS_PROGRAM);
    mock.timers.tick(1000);
    assert.equal(heals(), 0);
    writtenBy(ITS_PROGRAM);
    writtenBy(SOMEBODY);
    writtenBy(DAEMON);
    mock.timers.tick(1000);
    assert.equal(heals(), 1);
  });

  test('a reload of many transactions is healed once when it is over, and within half a second though it goes on', () => {
    const { writtenBy, heals } = stage();
    for (let time = 0; time < 200; time += 50) {
      writtenBy(SOMEBODY);
      mock.timers.tick(50);
    }
    assert.equal(heals(), 0, 'it goes on');
    mock.timers.tick(100);
    assert.equal(heals(), 1);
    for (let time = 0; time < 600; time += 50) {
      writtenBy(SOMEBODY);
      mock.timers.tick(50);
    }
    assert.equal(heals(), 2);
  });

  test('when events were lost, one looks; when it has ended, not any more', () => {
    const { overrun, writtenBy, end, heals } = stage();
    overrun();
    mock.timers.tick(1000);
    assert.equal(heals(), 1);
    writtenBy(SOMEBODY);
    end();
    mock.timers.tick(1000);
    assert.equal(heals(), 1);
  });
});

test('`OwnWriters` forgets programs in the order they came, and never the daemon', () => {
  const writers = new OwnWriters(DAEMON);
  for (let pid = 1000; pid < 1100; pid++) writers.add(pid);
  assert.deepEqual(
    [DAEMON, 1000, 1035, 1036, 1099].map((pid) => writers.has(pid)),
    [true, false, false, true, true],
  );
});
