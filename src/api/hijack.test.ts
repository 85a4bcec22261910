import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUntil, startDaemon, toEnd } from './testing/daemon.ts';

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
const ALL = 'stream=1&stdin=1&stdout=1&stderr=1';

function frame(stream: number, text: string): Buffer {
  const data = Buffer.from(text);
  return Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, data.length >> 8, data.length & 255]), data]);
}

function bodyOf(answer: Buffer): Buffer {
  return answer.subarray(answer.indexOf('\r\n\r\n') + 4);
}

test('attach upgrades, frames both outputs and ends with its input', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web', OpenStdin: true }, true);
  const connection = daemon.raw(
    `POST /v1.51/containers/web/attach?${ALL} HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\n`,
  );
  const head = String(await readUntil(connection, (data) => data.includes('\r\n\r\n')));
  assert.match(
    head,
    /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n/,
  );
  connection.write('hello\n');
  assert.deepEqual(await readUntil(connection, (data) => data.length >= 14), frame(1, 'hello\n'));
  connection.write('!oops\n');
  assert.deepEqual(await readUntil(connection, (data) => data.length >= 14), frame(2, '!oops\n'));
  connection.end();
  assert.equal((await toEnd(connection)).length, 0);
});

test('attach to a terminal is raw, and so is it for clients before 1.42', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('tty', { Image: 'web', Tty: true }, true);
  daemon.engine.add('plain', { Image: 'web' }, true);
  const ask = async (path: string) => {
    const connection = daemon.raw(`POST ${path}?${ALL} HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\nhi\n`);
    connection.end();
    return toEnd(connection);
  };
  const terminal = await ask('/containers/tty/attach');
  assert.match(String(terminal), /vnd\.docker\.raw-stream/);
  assert.equal(String(bodyOf(terminal)), 'hi\n');
  const old = await ask('/v1.41/containers/plain/attach');
  assert.match(String(old), /vnd\.docker\.raw-stream/);
  assert.deepEqual(bodyOf(old), frame(1, 'hi\n'));
});

test('a client without `Upgrade` gets 200, and its early input is not lost', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web', Tty: true }, true);
  const connection = daemon.raw(
    `POST /containers/web/attach?${ALL} HTTP/1.1\r\nHost: d\r\n\r\nGET early HTTP/1.1\r\n`,
  );
  const answer = await readUntil(connection, (data) => data.includes('early HTTP/1.1\r\n'));
  assert.match(
    String(answer),
    /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/,
  );
  connection.end('late');
  assert.equal(String(await toEnd(connection)), 'late');
});

test('input sent in chunks is put together', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web', Tty: true }, true);
  const connection = daemon.raw(
    `POST /containers/web/attach?${ALL} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n ho\r\n0\r\n\r\n`,
  );
  assert.equal(String(bodyOf(await toEnd(connection))), 'hi ho');
});

test('attach to what is not there is an ordinary error', async () => {
  await using daemon = await startDaemon();
  const connection = daemon.raw(
    `POST /containers/nosuch/attach?${ALL} HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\n`,
  );
  const answer = String(await toEnd(connection));
  assert.match(answer, /^HTTP\/1\.1 404 Not Found\r\n/);
  assert.match(answer, /\{"message":"No such container: nosuch"\}\n$/);
});

async function execIn(daemon: Awaited<ReturnType<typeof startDaemon>>, ...Cmd: string[]): Promise<string> {
  if (daemon.engine.containers.size === 0) daemon.engine.add('web', { Image: 'web' }, true);
  const { Id } = (await daemon.ask('POST', '/containers/web/exec', { Cmd })).json() as { Id: string };
  return Id;
}

function execStart(id: string, body: string, headers = UPGRADE): string {
  return `POST /exec/${id}/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

test('exec reads its JSON body and leaves what follows to stdin', async () => {
  await using daemon = await startDaemon();
  const request = Buffer.from(
    `${execStart(await execIn(daemon, 'cat'), '{"Detach":false,"Tty":false}')}early`,
  );
  // wherever the network cuts the request, nothing is lost
  for (const cut of [
    20,
    request.indexOf('\r\n\r\n') + 2,
    request.length - 9,
    request.length - 5,
    request.length - 2,
  ]) {
    const connection = daemon.raw(request.subarray(0, cut));
    await new Promise((resolve) => setTimeout(resolve, 20));
    connection.end(request.subarray(cut));
    const answer = await toEnd(connection);
    assert.match(String(answer), /^HTTP\/1\.1 101 UPGRADED/, `cut at ${cut}`);
    const output = bodyOf(answer);
    const text: string[] = [];
    for (let at = 0; at < output.length; at += 8 + output.readUInt32BE(at + 4)) {
      text.push(String(output.subarray(at + 8, at + 8 + output.readUInt32BE(at + 4))));
    }
    assert.equal(text.join(''), 'early', `cut at ${cut}`);
  }
});

test('exec sends both outputs and closes when the command has ended', async () => {
  await using daemon = await startDaemon();
  const answer = await toEnd(daemon.raw(execStart(await execIn(daemon, 'echo', 'hi'), '{}')));
  assert.deepEqual(bodyOf(answer), Buffer.concat([frame(1, 'echo hi\n'), frame(2, 'to stderr\n')]));
});

test('exec in the background, of nothing, and with bad JSON are ordinary answers', async () => {
  await using daemon = await startDaemon();
  const id = await execIn(daemon, 'true');
  const detached = await daemon.ask('POST', `/exec/${id}/start`, { Detach: true });
  assert.equal(detached.status, 200);
  assert.equal(detached.text, '');
  assert.equal((await daemon.ask('POST', '/exec/nosuch/start', {})).status, 404);
  const bad = await daemon.ask('POST', `/exec/${id}/start`, '{', { 'Content-Type': 'application/json' });
  assert.equal(bad.status, 400);
  assert.match(bad.text, /unexpected EOF/);
  const wrong = await daemon.ask('POST', `/exec/${id}/start`, { Tty: 'yes' });
  assert.match(wrong.text, /field Tty of type bool/);
  assert.equal((await daemon.ask('POST', '/containers/web/exec', {})).status, 400);
});

test('what goes wrong after the upgrade is told on the stream', async () => {
  await using daemon = await startDaemon();
  const answer = await toEnd(daemon.raw(execStart(await execIn(daemon, 'fail'), '{}')));
  assert.match(String(answer), /executable file not found in \$PATH\r\n$/);
});

test('the session is aborted when the client goes, even after it had closed its input', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, true);
  for (const halfClose of [false, true]) {
    // without stdin, so that the end of the input is not the end of the session
    const connection = daemon.raw(
      `POST /containers/web/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\n`,
    );
    await readUntil(connection, (data) => data.includes('out\n'));
    if (halfClose) {
      connection.end();
      // longer than a presence check takes: input at its end is no reason to leave
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
    assert.equal(daemon.engine.sessions, 1);
    connection.destroy();
    for (let waited = 0; daemon.engine.sessions > 0; waited += 50) {
      assert.ok(waited < 5_000, 'the session runs on without its client');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

test('a slow reader holds the writer back', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web', Tty: true }, true);
  const connection = daemon.raw(`POST /containers/web/attach?${ALL} HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\n`);
  await readUntil(connection, (data) => data.includes('\r\n\r\n'));
  connection.pause();
  const chunk = Buffer.alloc(64 * 1024, 0x61);
  let written = 0;
  while (written < 64 * 1024 * 1024 && connection.writableLength < 1024 * 1024) {
    connection.write(chunk);
    written += chunk.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(written < 16 * 1024 * 1024, `${written} bytes were swallowed although nobody reads them`);
  connection.end();
  let read = 0;
  connection.on('data', (data: Buffer) => {
    read += data.length;
  });
  connection.resume();
  await new Promise((resolve) => connection.once('end', resolve));
  assert.equal(read, written);
});
