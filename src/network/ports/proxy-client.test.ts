import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ProxyClient } from './proxy-client.ts';

describe('ProxyClient', () => {
  let directory: string;
  let path: string;
  let server: Server;
  let respond: (request: { seq: number; op: string }, socket: Socket) => void;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bp-proxy-client-'));
    path = join(directory, 'p.sock');
    server = createServer((socket) => {
      socket.on('data', (data) => {
        for (const line of String(data).trim().split('\n')) respond(JSON.parse(line), socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
  });
  afterEach(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  it('gives each request its own answer, however the bytes are cut', async () => {
    respond = ({ seq, op }, socket) => {
      const line = `${JSON.stringify({ seq, ok: true, result: { removed: seq, op } })}\n`;
      socket.write(line.slice(0, 5));
      setTimeout(() => socket.write(line.slice(5)), 5);
    };
    const client = await ProxyClient.connect(path);
    assert.deepEqual(await client.request({ op: 'remove', ids: [] }), { removed: 1, op: 'remove' });
    assert.deepEqual(await client.request({ op: 'remove', ids: [] }), { removed: 2, op: 'remove' });
    client.close();
  });

  it('throws a refusal with kind, errno and the port', async () => {
    const port = { proto: 'tcp', hostIp: '0.0.0.0', hostPort: 8080 };
    respond = ({ seq }, socket) => {
      const error = { kind: 'conflict', message: 'taken', errno: 'EADDRINUSE', port };
      socket.write(`${JSON.stringify({ seq, ok: false, error })}\n`);
    };
    const client = await ProxyClient.connect(path);
    await assert.rejects(client.request({ op: 'add', mappings: [] }), {
      name: 'HostPortError',
      kind: 'conflict',
      errno: 'EADDRINUSE',
      port,
    });
    client.close();
  });

  it('a request ends when the keeper does not answer in time', async () => {
    respond = () => {};
    const client = await ProxyClient.connect(path, { timeout: 30 });
    await assert.rejects(client.request({ op: 'ping' }), { kind: 'unavailable', errno: 'ETIMEDOUT' });
    client.close();
  });

  it('requests end when the keeper goes away, and so do later ones', async () => {
    respond = (_request, socket) => socket.destroy();
    const client = await ProxyClient.connect(path);
    await assert.rejects(client.request({ op: 'ping' }), { kind: 'unavailable' });
    await client.closed;
    await assert.rejects(client.request({ op: 'ping' }), { kind: 'unavailable' });
  });

  it('`connect()` tells that nobody listens', async () => {
    await assert.rejects(ProxyClient.connect(join(directory, 'none.sock')), {
      kind: 'unavailable',
      errno: 'ENOENT',
    });
  });
});
