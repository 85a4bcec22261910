import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bool, bytes, int, list, map, text, time } from './flag.ts';
import { parseFlags, UsageError } from './parse.ts';
import { flagUsages } from './usage.ts';

const flags = {
  name: text('Assign a name'),
  detach: bool('Detach', { short: 'd' }),
  tty: bool('Terminal', { short: 't' }),
  interactive: bool('Stdin', { short: 'i' }),
  'sig-proxy': bool('Proxy signals', { on: true }),
  publish: list('Publish a port', { short: 'p' }),
  memory: bytes('Memory limit', { short: 'm' }),
  network: list('Network'),
  net: list('Network', { aliasOf: 'network', hidden: true }),
  sysctl: map('Kernel parameters'),
  tries: int('How often', { initial: 3 }),
  weight: int('Weight', { type: 'uint16', max: 65535 }),
  every: time('How often'),
};

const parse = (...argv: string[]) => parseFlags(flags, argv, { interspersed: false });

test('`parseFlags()` reads every spelling of a flag', () => {
  const { values, args } = parse(
    '-dit',
    '--name=web',
    '-p80',
    '-p',
    '81',
    '-p=82',
    '--publish',
    '83',
    'img',
    '-x',
  );
  assert.equal(values.name, 'web');
  assert.deepEqual(values.publish, ['80', '81', '82', '83']);
  assert.deepEqual([values.detach, values.interactive, values.tty], [true, true, true]);
  assert.deepEqual(args, ['img', '-x']);
});

test('`parseFlags()` lets a value end a row of switches', () => {
  assert.deepEqual(parse('-dp80').values.publish, ['80']);
  assert.deepEqual(parse('-dp', '80').values.publish, ['80']);
});

test('`parseFlags()` takes a switch that is set to false', () => {
  const { values, given } = parse('--sig-proxy=false', '-d=false');
  assert.equal(values['sig-proxy'], false);
  assert.equal(values.detach, false);
  assert.deepEqual([...given], ['sig-proxy', 'detach']);
});

test('`parseFlags()` gives defaults, and knows that they were not given', () => {
  const { values, given } = parse('img');
  assert.equal(values['sig-proxy'], true);
  assert.equal(values.tries, 3);
  assert.deepEqual(values.sysctl, {});
  assert.equal(given.size, 0);
});

test('`parseFlags()` finds flags behind arguments only when they may be interspersed', () => {
  assert.deepEqual(parseFlags(flags, ['a', '-d', 'b']).args, ['a', 'b']);
  assert.deepEqual(parse('a', '-d', 'b').args, ['a', '-d', 'b']);
});

test('`parseFlags()` stops at a double dash', () => {
  assert.deepEqual(parseFlags(flags, ['--', '-d', '--name']).args, ['-d', '--name']);
});

test('`parseFlags()` keeps a single dash as an argument', () => {
  assert.deepEqual(parse('-').args, ['-']);
});

test('`parseFlags()` puts other spellings under one name', () => {
  assert.deepEqual(parse('--net', 'a', '--network', 'b').values.network, ['a', 'b']);
});

test('`parseFlags()` joins key and value flags, later keys first', () => {
  assert.deepEqual(parse('--sysctl', 'a=1', '--sysctl', 'b=c=d', '--sysctl', 'a=2').values.sysctl, {
    a: '2',
    b: 'c=d',
  });
});

test('`parseFlags()` asks for help by -h unless a flag has that letter', () => {
  assert.equal(parse('-h').help, true);
  assert.equal(parse('--help').help, true);
  const other = { hostname: text('Name', { short: 'h' }) };
  assert.equal(parseFlags(other, ['-h', 'web']).values.hostname, 'web');
});

for (const [argv, message] of [
  [['--foo'], 'unknown flag: --foo'],
  [['--foo=1'], 'unknown flag: --foo'],
  [['--constructor'], 'unknown flag: --constructor'],
  [['-x'], "unknown shorthand flag: 'x' in -x"],
  [['-dx'], "unknown shorthand flag: 'x' in -dx"],
  [['--name'], 'flag needs an argument: --name'],
  [['-dp'], "flag needs an argument: 'p' in -dp"],
  [['--=x'], 'bad flag syntax: --=x'],
  [['-m', 'foo'], 'invalid argument "foo" for "-m, --memory" flag: invalid size: \'foo\''],
  [
    ['--detach=maybe'],
    'invalid argument "maybe" for "-d, --detach" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [
    ['--tries', 'x'],
    'invalid argument "x" for "--tries" flag: strconv.ParseInt: parsing "x": invalid syntax',
  ],
  [
    ['--weight', '70000'],
    'invalid argument "70000" for "--weight" flag: strconv.ParseUint: parsing "70000": value out of range',
  ],
  [
    ['--weight=-1'],
    'invalid argument "-1" for "--weight" flag: strconv.ParseUint: parsing "-1": invalid syntax',
  ],
  [['--every', '5'], 'invalid argument "5" for "--every" flag: time: missing unit in duration "5"'],
] as Array<[string[], string]>) {
  test(`\`parseFlags()\` refuses ${argv.join(' ')}`, () => {
    assert.throws(
      () => parse(...argv),
      (error: Error) => {
        assert.ok(error instanceof UsageError);
        assert.equal(error.message, message);
        return true;
      },
    );
  });
}

test('`int()` reads the number systems Go reads', () => {
  const number = (value: string) => parse('--tries', value).values.tries;
  assert.deepEqual(['0x10', '010', '0b11', '-5', '+5'].map(number), [16, 8, 3, -5, 5]);
});

test('`flagUsages()` sorts, aligns, wraps, and leaves hidden flags out', () => {
  const some = {
    tries: flags.tries,
    name: flags.name,
    detach: flags.detach,
    net: flags.net,
    'sig-proxy': flags['sig-proxy'],
  };
  assert.equal(
    flagUsages(some, 60),
    [
      '  -d, --detach        Detach',
      '      --name string   Assign a name',
      '      --sig-proxy     Proxy signals (default true)',
      '      --tries int     How often (default 3)',
    ].join('\n'),
  );
  const long = { x: text('one two three four five six seven eight nine ten') };
  assert.equal(
    flagUsages(long, 50),
    '      --x string   one two three four five\n                   six seven eight nine ten',
  );
});
