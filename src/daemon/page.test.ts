import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeBackend } from '../api/testing/fake-backend.ts';
import { FakeEngine } from '../api/testing/fake-engine.ts';
import { silentLog } from '../base/log.ts';
import { PageServer } from './page.ts';

const server = (address?: { host: string; port: number }) =>
  new PageServer({ address, backend: () => fakeBackend(new FakeEngine()), log: silentLog });

const tokenOf = (url: string) => new URLSearchParams(new URL(url).hash.slice(1)).get('token') ?? '';

/** The status of a request with a token; 0 when nobody listens. */
async function status(url: string, token = tokenOf(url)): Promise<number> {
  try {
    const map = new URL('/bridgeport/map', url);
    return (await fetch(map, { headers: { authorization: `Bearer ${token}`, connection: 'close' } })).status;
  } catch {
    return 0;
  }
}

test('the page is there as long as somebody holds it, and has another token the next time', async () => {
  const page = server();
  await page.start();
  const [first, second] = [await page.open(), await page.open()];
  assert.equal(first.url, second.url);
  assert.equal(first.stays, false);
  assert.equal(await status(first.url), 200);
  await first.release();
  await first.release();
  assert.equal(await status(second.url), 200, 'released twice, but by one of two');
  await second.release();
  assert.equal(await status(second.url), 0);

  const third = await page.open();
  assert.notEqual(tokenOf(third.url), tokenOf(first.url));
  assert.equal(await status(third.url, tokenOf(first.url)), 401);
  await page.close();
  assert.equal(await status(third.url), 0);
});

test('at an address of the configuration it stays', async () => {
  const page = server({ host: '127.0.0.1', port: 0 });
  await page.start();
  const opened = await page.open();
  assert.equal(opened.stays, true);
  await opened.release();
  assert.equal(await status(opened.url), 200);
  await page.close();
  assert.equal(await status(opened.url), 0);
});

test('an address that is taken is told, and the next try is a new one', async () => {
  const taken = server({ host: '127.0.0.1', port: 0 });
  await taken.start();
  const { url } = await taken.open();
  const other = server({ host: '127.0.0.1', port: Number(new URL(url).port) });
  await assert.rejects(other.start(), /address already in use/);
  await taken.close();
});
