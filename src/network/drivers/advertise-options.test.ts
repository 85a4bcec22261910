import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advertiseOptions } from './advertise-options.ts';

const option = (key: string, value: string) => ({ [`com.docker.network.advertise_addr_${key}`]: value });

test('`advertiseOptions()` reads both numbers, and leaves out what is not said', () => {
  assert.equal(advertiseOptions({}), undefined);
  assert.deepEqual(advertiseOptions(option('nmsgs', '0')), { count: 0 });
  assert.deepEqual(advertiseOptions({ ...option('nmsgs', '3'), ...option('ms', '100') }), {
    count: 3,
    interval: 100,
  });
});

test('`advertiseOptions()` refuses in Docker’s words', () => {
  for (const [key, value, why] of [
    ['nmsgs', '-1', 'com.docker.network.advertise_addr_nmsgs must be in the range 0 to 3'],
    ['nmsgs', '4', 'com.docker.network.advertise_addr_nmsgs must be in the range 0 to 3'],
    ['nmsgs', 'x', 'value for option com.docker.network.advertise_addr_nmsgs "x" must be an integer'],
    ['ms', '99', 'com.docker.network.advertise_addr_ms must be in the range 100 to 2000'],
    ['ms', '2001', 'com.docker.network.advertise_addr_ms must be in the range 100 to 2000'],
    ['ms', '1s', 'value for option com.docker.network.advertise_addr_ms "1s" must be integer milliseconds'],
  ] as const) {
    assert.throws(() => advertiseOptions(option(key, value)), { message: why });
  }
});
