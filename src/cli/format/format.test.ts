import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { reindent } from './json.ts';
import { type ListView, renderList, usesField } from './list.ts';
import { displayPorts } from './ports.ts';
import { type ProgressMessage, progressBar, showProgress } from './progress.ts';
import { checkReference, normalizedReference, qualifiedName, splitReference } from './reference.ts';
import { binarySize, humanSize } from './size.ts';
import { sample, statsRow } from './stats.ts';
import { alignColumns } from './table.ts';
import { goTime, goTimeOf, humanDuration, rfc3339 } from './time.ts';
import { displayWidth, ellipsis } from './width.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test('`humanDuration()` says how long as people do', () => {
  const words: Array<[number, string]> = [
    [999, 'Less than a second'],
    [1000, '1 second'],
    [59_000, '59 seconds'],
    [MINUTE, 'About a minute'],
    [5 * MINUTE, '5 minutes'],
    [59 * MINUTE, '59 minutes'],
    [HOUR, 'About an hour'],
    [89 * MINUTE, 'About an hour'],
    [91 * MINUTE, '2 hours'],
    [47 * HOUR, '47 hours'],
    [3 * DAY, '3 days'],
    [14 * DAY, '2 weeks'],
    [61 * DAY, '2 months'],
    [800 * DAY, '2 years'],
  ];
  for (const [milliseconds, text] of words) assert.equal(humanDuration(milliseconds), text);
});

test('moments are written as Go writes them', () => {
  const moment = Date.UTC(2026, 10, 22, 5, 26, 13);
  assert.match(goTime(moment), /^2026-11-2\d \d\d:\d\d:13 [+-]\d{4} \S+$/);
  assert.match(goTimeOf('2026-11-22T05:26:13.3790Z'), /:13\.379 /);
  assert.equal(Date.parse(rfc3339(moment)), moment);
});

test('`humanSize()` and `binarySize()` keep significant digits', () => {
  assert.deepEqual(
    [0, 999, 1000, 1_984_000, 20_012_345].map((bytes) => humanSize(bytes, 3)),
    ['0B', '999B', '1kB', '1.98MB', '20MB'],
  );
  assert.equal(humanSize(20_012_345), '20.01MB');
  assert.deepEqual([0, 1023, 1024, 16_777_216_000].map(binarySize), ['0B', '1023B', '1KiB', '15.62GiB']);
});

test('`ellipsis()` counts the columns of wide characters', () => {
  assert.equal(ellipsis('sleep 1000', 20), 'sleep 1000');
  assert.equal(ellipsis('a very long command line', 10), 'a very lo…');
  assert.equal(displayWidth('도커'), 4);
  assert.equal(ellipsis('도커도커', 5), '도커…');
});

test('`alignColumns()` aligns neighbouring lines and leaves the last cell alone', () => {
  assert.equal(
    alignColumns('A\tB\tC\nlonger than ten\tx\ty\n'),
    'A                 B         C\nlonger than ten   x         y\n',
  );
  assert.equal(alignColumns('NAME\tX\n도커\ty\n', { minWidth: 0, padding: 1 }), 'NAME X\n도커 y\n');
});

const view: ListView = {
  type: '*test.row',
  table: '{{.Name}}\t{{.Size}}',
  headers: { Name: 'NAME', Size: 'SIZE' },
};
const rows = [{ Size: '1kB', Name: 'a>b', Label: (key: unknown) => `<${key}>` }];

test('`renderList()` draws the default table', () => {
  assert.equal(renderList(view, rows, ''), 'NAME      SIZE\na>b       1kB\n');
  assert.equal(renderList(view, [], 'table'), 'NAME      SIZE\n');
});

test('`renderList()` draws a table of a template, whose header names the columns', () => {
  assert.equal(
    renderList(view, rows, 'table {{upper .Name}}\\t{{.Label "com.example.build-date"}}'),
    'NAME      build date\nA>B       <com.example.build-date>\n',
  );
});

test('`renderList()` writes JSON with sorted keys, escaped as Go does', () => {
  assert.equal(renderList(view, rows, 'json'), '{"Name":"a\\u003eb","Size":"1kB"}\n');
  assert.equal(renderList(view, rows, '{{.Name}}\\t{{.Size}}'), 'a>b\t1kB\n');
});

test('`renderList()` says what is wrong with a template', () => {
  assert.throws(() => renderList(view, rows, '{{.Foo}}'), {
    message: `failed to execute template: template: :1:2: executing "" at <.Foo>: can't evaluate field Foo in type *test.row`,
  });
  assert.throws(() => renderList(view, rows, '{{.Foo'), {
    message: 'failed to parse template: template: :1: unclosed action',
  });
});

test('`usesField()` sees a field in a template', () => {
  assert.ok(usesField('{{.Names}} {{.Size}}', 'Size'));
  assert.ok(!usesField('{{.Sizes}}', 'Size'));
});

test('`displayPorts()` joins equal runs and brackets IPv6', () => {
  const both = (port: number, outside = port) => [
    { IP: '0.0.0.0', PrivatePort: port, PublicPort: outside, Type: 'tcp' },
    { IP: '::', PrivatePort: port, PublicPort: outside, Type: 'tcp' },
  ];
  assert.equal(displayPorts(both(80, 8080)), '0.0.0.0:8080->80/tcp, [::]:8080->80/tcp');
  assert.equal(
    displayPorts([...both(9000), ...both(9001), ...both(9002), { PrivatePort: 99, Type: 'udp' }]),
    '99/udp, 0.0.0.0:9000-9002->9000-9002/tcp, [::]:9000-9002->9000-9002/tcp',
  );
  assert.equal(
    displayPorts([
      { PrivatePort: 80, Type: 'tcp' },
      { PrivatePort: 82, Type: 'tcp' },
    ]),
    '80/tcp, 82/tcp',
  );
});

test('references are taken apart and put together', () => {
  assert.deepEqual(splitReference('docker.io/library/nginx:1'), { name: 'nginx', tag: '1', digest: '' });
  assert.deepEqual(splitReference('localhost:5000/a/b'), { name: 'localhost:5000/a/b', tag: '', digest: '' });
  assert.equal(normalizedReference('nginx'), 'nginx:latest');
  assert.equal(normalizedReference('localhost:5000/a'), 'localhost:5000/a:latest');
  assert.deepEqual(['nginx', 'a/b', 'localhost/a', 'r.io/a', 'docker.io/a'].map(qualifiedName), [
    'docker.io/library/nginx',
    'docker.io/a/b',
    'localhost/a',
    'r.io/a',
    'docker.io/library/a',
  ]);
});

test('`checkReference()` refuses what the registry would', () => {
  for (const good of ['nginx', 'a/b:1.0', 'localhost:5000/a_b/c-d', `a@sha256:${'0'.repeat(64)}`])
    checkReference(good);
  assert.throws(() => checkReference('Foo'), {
    message: 'invalid reference format: repository name (library/Foo) must be lowercase',
  });
  for (const bad of ['a b', 'a:', '-a', 'a//b', 'a:b c', 'a@sha256:x', '']) {
    assert.throws(() => checkReference(bad), { message: 'invalid reference format' }, bad);
  }
});

test('`reindent()` changes white space and nothing else', () => {
  const json = '{"a":[],"b":{},"c":[1.0,18446744073709551615,"x\\u003e\\"{"],"d":{"e":null}}';
  assert.equal(reindent(reindent(json, 4), 0), json);
  assert.equal(
    reindent('[{"a":[],"b":[1,2]}]', 4),
    '[\n    {\n        "a": [],\n        "b": [\n            1,\n            2\n        ]\n    }\n]',
  );
});

test('`progressBar()` shows what is there of the whole', () => {
  const wide = { width: 120, now: () => 0 };
  assert.equal(progressBar({}, wide), '');
  assert.equal(progressBar({ current: 5_000_000 }, wide), '     5MB');
  assert.equal(
    progressBar({ current: 1, total: 4, units: 'layers' }, { width: 80, now: () => 0 }),
    '       1/4 layers',
  );
  assert.equal(
    progressBar({ current: 11_010_000, total: 20_010_000 }, wide),
    `[${'='.repeat(27)}>${' '.repeat(23)}]  11.01MB/20.01MB`,
  );
  assert.equal(
    progressBar({ current: 10, total: 20, start: 1 }, { width: 80, now: () => 11_000 }),
    '     10B/20B 10s',
  );
});

async function shown(messages: ProgressMessage[], terminal: boolean): Promise<string> {
  let text = '';
  const output = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  async function* stream() {
    yield* messages;
  }
  await showProgress(stream(), output, { terminal, width: 80, now: () => 0 });
  return text;
}

const pull: ProgressMessage[] = [
  { status: 'Pulling from a/web', id: '1' },
  { status: 'Pulling fs layer', progressDetail: {}, id: 'aa' },
  { status: 'Pulling fs layer', progressDetail: {}, id: 'bb' },
  { status: 'Downloading', progressDetail: { current: 1, total: 2 }, id: 'aa' },
  { status: 'Pull complete', progressDetail: {}, id: 'aa' },
  { status: 'Status: Downloaded newer image for a/web:1' },
];

test('`showProgress()` prints finished steps where there is no terminal', async () => {
  assert.equal(
    await shown(pull, false),
    '1: Pulling from a/web\naa: Pulling fs layer\nbb: Pulling fs layer\naa: Pull complete\nStatus: Downloaded newer image for a/web:1\n',
  );
});

test('`showProgress()` redraws a layer’s line on a terminal', async () => {
  assert.equal(
    await shown(pull.slice(0, 4), true),
    '1: Pulling from a/web\n' +
      '\n\x1b[1A\x1b[2K\raa: Pulling fs layer \r\x1b[1B' +
      '\n\x1b[1A\x1b[2K\rbb: Pulling fs layer \r\x1b[1B' +
      '\x1b[2A\x1b[2K\raa: Downloading       1B/2B\r\x1b[2B',
  );
});

test('`showProgress()` throws what a message reports', async () => {
  await assert.rejects(shown([{ error: 'short', errorDetail: { message: 'no space left' } }], false), {
    message: 'no space left',
  });
});

test('`sample()` works out figures as `docker stats` does', () => {
  const row = statsRow(
    sample('web', {
      id: 'f'.repeat(64),
      name: '/web',
      cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2000, online_cpus: 2 },
      precpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 1000 },
      memory_stats: { usage: 2048, limit: 4096, stats: { total_inactive_file: 1024 } },
      pids_stats: { current: 3 },
      networks: { eth0: { rx_bytes: 1500, tx_bytes: 10 }, eth1: { rx_bytes: 500, tx_bytes: 0 } },
      blkio_stats: {
        io_service_bytes_recursive: [
          { op: 'Read', value: 1 },
          { op: 'write', value: 2 },
          { op: 'Total', value: 3 },
        ],
      },
    }),
    true,
  );
  assert.deepEqual(row, {
    Container: 'web',
    Name: 'web',
    ID: 'f'.repeat(12),
    CPUPerc: '40.00%',
    MemUsage: '1KiB / 4KiB',
    MemPerc: '25.00%',
    NetIO: '2kB / 10B',
    BlockIO: '1B / 2B',
    PIDs: '3',
  });
  assert.equal(statsRow({ Container: 'web' }, true).MemUsage, '-- / --');
});
