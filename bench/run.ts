/**
 * Measures this daemon beside Debian's dockerd: both are up at once, each on a host of its own (a network namespace), and
 * take turns in every round.
 *
 *     node bench/run.ts [NAME...] [--rounds N] [--json FILE] [--peer PROGRAM | --alone]
 *
 * Sets itself up, takes itself away, needs root. Exit status 0 when all was measured and every goal was met, 1 when not.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Measure, Results } from './measure.ts';
import { apiCalls } from './measures/api-calls.ts';
import { dnsLoad } from './measures/dns-load.ts';
import { fiftyAtOnce } from './measures/fifty-at-once.ts';
import { hundredOnOne } from './measures/hundred-on-one.ts';
import { natRequests } from './measures/nat-requests.ts';
import { networkCalls } from './measures/network-calls.ts';
import { networkPart } from './measures/network-part.ts';
import { pagePan } from './measures/page-pan.ts';
import { ports500 } from './measures/ports-500.ts';
import { portsMany } from './measures/ports-many.ts';
import { proxyBulk } from './measures/proxy-bulk.ts';
import { proxyClientFirst } from './measures/proxy-client-first.ts';
import { proxyConnections } from './measures/proxy-connections.ts';
import { proxyLatency } from './measures/proxy-latency.ts';
import { proxyMemory } from './measures/proxy-memory.ts';
import { proxyRequests } from './measures/proxy-requests.ts';
import { proxyRestart } from './measures/proxy-restart.ts';
import { publishedPort } from './measures/published-port.ts';
import { ready } from './measures/ready.ts';
import { ruleCost } from './measures/rule-cost.ts';
import { runDetached } from './measures/run-detached.ts';
import { runToEnd } from './measures/run-to-end.ts';
import { thousandNetworks } from './measures/thousand-networks.ts';
import { type MeasureReport, machine, print, type Report, report } from './report.ts';
import { PEER, startSide } from './sides/daemons.ts';
import type { Side } from './sides/side.ts';

const MEASURES: readonly Measure[] = [
  ready,
  runDetached,
  runToEnd,
  apiCalls,
  networkPart,
  publishedPort,
  fiftyAtOnce,
  ports500,
  portsMany,
  natRequests,
  ruleCost,
  networkCalls,
  hundredOnOne,
  thousandNetworks,
  dnsLoad,
  pagePan,
  proxyRequests,
  proxyConnections,
  proxyBulk,
  proxyLatency,
  proxyRestart,
  proxyMemory,
  proxyClientFirst,
];

/** Nobody waits longer for a bench that got stuck, milliseconds. */
const PATIENCE = 45 * 60_000;

/** Daemons are at rest when they use less than this share of a processor for this long; milliseconds. */
const REST_LOOK = 500;
const REST_SHARE = 0.05;
const REST_PATIENCE = 20_000;

const USAGE = `usage: node bench/run.ts [NAME...] [--rounds N] [--json FILE] [--peer PROGRAM | --alone]
names: ${MEASURES.map(({ name }) => name).join(', ')}; none means all
--peer PROGRAM: the other side, default ${PEER}; the bridgeportd of another checkout will do
--alone: without another side, as when it is not installed
`;

function parse(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      json: { type: 'string' },
      peer: { type: 'string', default: PEER },
      alone: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const unknown = positionals.find((name) => !MEASURES.some((measure) => measure.name === name));
  if (unknown !== undefined) throw new Error(`no measure "${unknown}"`);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error(`--rounds takes a number of at least 1, not "${values.rounds}"`);
  }
  return {
    ...values,
    rounds,
    measures: MEASURES.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
  };
}

/** Lets the daemons finish what an earlier measure has set going, up to a limit. */
async function rest(sides: readonly Side[]): Promise<void> {
  const until = performance.now() + REST_PATIENCE;
  const used = () => sides.map((side) => side.cpuTime());
  for (let before = used(); performance.now() < until; before = used()) {
    await sleep(REST_LOOK);
    const after = used();
    if (after.every((time, index) => time - (before[index] ?? 0) < REST_LOOK * REST_SHARE)) return;
  }
}

async function take(measure: Measure, sides: readonly Side[], rounds: number): Promise<MeasureReport> {
  progress(`${measure.name}: waiting until the daemons rest`);
  await rest(sides);
  const results = new Results();
  const load = loadavg()[0] ?? 0;
  const warmUps = measure.warmUps ?? 1;
  for (let round = -warmUps; round < rounds; round++) {
    for (const side of sides) {
      progress(`${measure.name}: round ${Math.max(round + 1, 0)} of ${rounds}, ${side.program}`);
      await measure.round(side, (label, value, unit = 'ms') => {
        if (round >= 0) results.add(side.name, label, value, unit);
      });
    }
  }
  progress('');
  return report(measure, rounds, results, load);
}

/** One line that is written over; nothing when nobody sits there. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

async function main(args: string[]): Promise<number> {
  let options: ReturnType<typeof parse>;
  try {
    options = parse(args);
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  setTimeout(() => {
    process.stderr.write(`bench: not done after ${PATIENCE / 60_000} minutes\n`);
    process.exit(1);
  }, PATIENCE).unref();

  const found: Report = { date: new Date().toISOString(), machine: machine(), sides: {}, measures: [] };
  const sides: Side[] = [];
  try {
    progress('starting the daemons');
    sides.push(await startSide('ours'));
    if (!options.alone && existsSync(options.peer))
      sides.push(await startSide('peer', { program: options.peer }));
    for (const { name, program } of sides) found.sides[name] = program;
    for (const measure of options.measures) {
      const one = await take(measure, sides, options.rounds ?? measure.rounds);
      found.measures.push(one);
      process.stdout.write(`${print(one, found.sides)}\n`);
    }
  } finally {
    // Hosts take everything away that is theirs, daemons and containers among it.
    for (const side of sides) await side.host.dispose();
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(found, null, 2)}\n`);
  const goals = found.measures.flatMap((measure) => measure.goals);
  return goals.some(({ met }) => met === false) ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
