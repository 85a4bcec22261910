import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { isKind } from '../../base/errors.ts';
import { Connection } from './connection.ts';
import { isStatus } from './status.ts';

/** A gRPC server of a few lines: what it answers is up to each test. */
describe('Connection', { timeout: 20_000 }, () => {
  let directory: string;
  let address: string;
  let server: Http2Server;
  let connection: Connection;
  let answer: (stream: ServerHttp2Stream, path: string, headers: Record<string, unknown>) => void;

  const listen = () => new Promise<void>((resolve) => server.listen(address, resolve));

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bpconnection-'));
    address = join(directory, 's');
    server = createServer();
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      answer(stream, String(headers[':path']), headers);
    });
    await listen();
    connection = new Connection({ address });
  });

  afterEach(async () => {
    connection.close();
    server.close();
    await rm(directory, { recursive: true });
  });

  const frame = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), Buffer.from(text)]);

  function finish(stream: ServerHttp2Stream, trailers: Record<string, string>, ...bodies: Buffer[]): void {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    for (const body of bodies) stream.write(body);
    stream.end();
  }

  const call = (options: Partial<Parameters<Connection['unary']>[2]> = {}) =>
    connection.unary('/a.B/C', Buffer.from('ask'), { action: 'try it', headers: { 'x-a': 'b' }, ...options });

  test('`unary()` frames the request and returns the answer', async () => {
    let seen: unknown[] = [];
    answer = (stream, path, headers) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        seen = [
          path,
          headers['x-a'],
          headers.te,

          Buffer.concat(parts).toString('hex'),
        ];
        // One message in three pieces.
        const whole = frame('told');
        finish(stream, { 'grpc-status': '0' }, whole.subarray(0, 2), whole.subarray(2, 6), whole.subarray(6));
      });
    };
    assert.equal((await call({ timeoutMs: 1500 })).toString(), 'told');
    assert.deepEqual(seen, ['/a.B/C', 'b', 'trailers', '000000000361736b']);
  });

  test('a status in the trailers, or in the headers alone, becomes an error with its words', async () => {
    answer = (stream) => finish(stream, { 'grpc-status': '5', 'grpc-message': 'no %22x%22: 100%25' });
    await assert.rejects(call(), (error) => {
      assert.ok(isStatus(error, 'NOT_FOUND') && isKind(error, 'not-found'));
      assert.equal(error.message, 'try it: no "x": 100%');
      return true;
    });
    answer = (stream) =>
      stream.respond({ ':status': 200, 'grpc-status': '6', 'grpc-message': '%zz' }, { endStream: true });
    await assert.rejects(call(), (error) => isStatus(error, 'ALREADY_EXISTS') && error.detail === '%zz');
    answer = (stream) => stream.respond({ ':status': 503 }, { endStream: true });
    await assert.rejects(call(), /try it: HTTP status 503/);
  });

  test('a deadline and an aborted signal cancel the call', async () => {
    const closed = () =>
      new Promise<number>((resolve) => {
        answer = (stream) => stream.on('close', () => resolve(stream.rstCode));
      });
    let code = closed();
    await assert.rejects(call({ timeoutMs: 50 }), (error) => isStatus(error, 'DEADLINE_EXCEEDED'));
    assert.equal(await code, 8);
    code = closed();
    const reason = new Error('changed my mind');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(call({ signal: controller.signal }), reason);
    assert.equal(await code, 8);
    await assert.rejects(call({ signal: AbortSignal.abort(reason) }), reason);
  });

  test('a connection that breaks fails the calls under way, and the next call makes a new one', async () => {
    answer = (stream) => stream.session!.destroy();
    await assert.rejects(call(), (error) => isKind(error, 'unavailable'));
    answer = (stream) => finish(stream, { 'grpc-status': '0' }, frame('again'));
    assert.equal((await call()).toString(), 'again');
  });

  test('an absent socket is reported with its path, or waited for with `reconnectMs`', async () => {
    const absent = join(directory, 'absent');
    const impatient = new Connection({ address: absent });
    await assert.rejects(
      impatient.unary('/a.B/C', Buffer.alloc(0), { action: 'try it', headers: {} }),
      (error) => isStatus(error, 'UNAVAILABLE') && error.errno === 'ENOENT' && error.message.includes(absent),
    );
    const patient = new Connection({ address: absent, reconnectMs: 5_000 });
    answer = (stream) => finish(stream, { 'grpc-status': '0' }, frame('late'));
    const asked = patient.unary('/a.B/C', Buffer.alloc(0), { action: 'try it', headers: {} });
    const signal = AbortSignal.timeout(20);
    await assert.rejects(
      patient.unary('/a.B/C', Buffer.alloc(0), { action: 'try it', headers: {}, signal }),
      { name: 'TimeoutError' },
    );
    const late = createServer();
    late.on('stream', (stream) => answer(stream, '', {}));
    await new Promise<void>((resolve) => late.listen(absent, resolve));
    assert.equal((await asked).toString(), 'late');
    patient.close();
    late.close();
  });

  test('leaving the loop over a stream cancels the call', async () => {
    const closed = new Promise<number>((resolve) => {
      answer = (stream) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        for (let index = 0; index < 100; index++) stream.write(frame(`message ${index}`));
        stream.on('close', () => resolve(stream.rstCode));
      };
    });
    const opened = await connection.open('/a.B/C', { action: 'listen', headers: {} });
    const seen: string[] = [];
    for await (const message of opened.messages()) {
      seen.push(message.toString());
      if (seen.length === 3) break;
    }
    assert.deepEqual(seen, ['message 0', 'message 1', 'message 2']);
    assert.equal(await closed, 8);
  });

  test('a closed client refuses calls', async () => {
    connection.close();
    await assert.rejects(call(), /try it: the client was closed/);
  });
});
