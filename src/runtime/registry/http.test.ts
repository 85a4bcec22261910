import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { HttpTransport, type HttpTransportOptions } from './http.ts';

describe('HttpTransport', () => {
  let directory: string;
  let secure: https.Server;
  let plain: http.Server;
  let seen: string[] = [];
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bphttp-'));
    // biome-ignore format: one option and its value per line
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=test', '-days', '2',
      '-addext', 'subjectAltName=IP:127.0.0.1',
      '-keyout', join(directory, 'key.pem'), '-out', join(directory, 'cert.pem')], { stdio: 'ignore' });
    const answer: http.RequestListener = (request, response) => {
      seen.push(request.url!);
      response.end('hello');
    };
    const key = readFileSync(join(directory, 'key.pem'));
    const cert = readFileSync(join(directory, 'cert.pem'));
    secure = https.createServer(
      { key, cert, ca: cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        seen.push(
          (request.socket as import('node:tls').TLSSocket).authorized ? 'with certificate' : 'without',
        );
        response.end('hello');
      },
    );
    plain = http.createServer(answer);
    for (const server of [secure, plain]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
  });
  after(() => {
    for (const server of [secure, plain]) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(directory, { recursive: true, force: true });
  });

  const hostOf = (server: http.Server | https.Server) =>
    `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = async (url: string, options: HttpTransportOptions & { insecure?: boolean } = {}) => {
    seen = [];
    const transport = new HttpTransport({
      certsDirectory: join(directory, 'none'),
      environment: {},
      ...options,
    });
    try {
      const signal = AbortSignal.timeout(5000);
      const { insecure = false } = options;
      const request = { method: 'GET', url: new URL(url), headers: {}, insecure, signal } as const;
      const { status, body } = await transport.request(request);
      body.resume();
      return status;
    } finally {
      transport.close();
    }
  };

  test('refuses an unknown certificate, unless any will do', async () => {
    const url = `https://${hostOf(secure)}/`;
    await assert.rejects(get(url), {
      kind: 'unavailable',
      message: /^Get "https:.*tls: failed to verify certificate: x509: self-signed certificate/,
    });
    assert.equal(await get(url, { insecure: true }), 200);
  });

  test('never mixes connections of different trust', async () => {
    const transport = new HttpTransport({ certsDirectory: join(directory, 'none'), environment: {} });
    const url = new URL(`https://${hostOf(secure)}/`);
    const common = { method: 'GET', url, headers: {}, signal: AbortSignal.timeout(5000) } as const;
    const { body } = await transport.request({ ...common, insecure: true });
    for await (const _ of body);
    await assert.rejects(transport.request({ ...common, insecure: false }), /x509/);
    transport.close();
  });

  test('takes authorities and a client certificate from the directory of the host', async () => {
    const certsDirectory = join(directory, 'certs.d');
    const own = join(certsDirectory, hostOf(secure));
    mkdirSync(own, { recursive: true });
    copyFileSync(join(directory, 'cert.pem'), join(own, 'ca.crt'));
    const url = `https://${hostOf(secure)}/`;
    assert.equal(await get(url, { certsDirectory }), 200);
    assert.deepEqual(seen, ['without']);
    copyFileSync(join(directory, 'cert.pem'), join(own, 'client.cert'));
    await assert.rejects(get(url, { certsDirectory }), {
      message: /missing key client.key for client certificate client.cert/,
    });
    copyFileSync(join(directory, 'key.pem'), join(own, 'client.key'));
    assert.equal(await get(url, { certsDirectory }), 200);
    assert.deepEqual(seen, ['with certificate']);
  });

  test('says that a server speaks no TLS', async () => {
    await assert.rejects(get(`https://${hostOf(plain)}/`), {
      kind: 'unavailable',
      message: `Get "https://${hostOf(plain)}/": http: server gave HTTP response to HTTPS client`,
    });
  });

  test('keeps a signed query out of its messages', async () => {
    await assert.rejects(get('http://127.0.0.1:1/path?token=secret'), {
      message: 'Get "http://127.0.0.1:1/path": dial tcp 127.0.0.1:1: connect: connection refused',
    });
  });

  test('goes through the proxy that the environment names', async () => {
    const environment = { HTTP_PROXY: `http://${hostOf(plain)}` };
    // Nobody listens there, and no name server is asked.
    const url = 'http://127.0.0.1:1/v2/';
    assert.equal(await get(url, { environment }), 200);
    assert.deepEqual(seen, [url]);
    await assert.rejects(
      get(url, { environment: { ...environment, NO_PROXY: '127.0.0.1' } }),
      /connection refused/,
    );
  });
});
