/**
 * The port keeper's process: `node src/proxy/main.ts --control <path>`. A UDP flow ends after `--udp-timeout` seconds without
 * a datagram (docker-proxy's 90 by default); `--descriptors` lowers the number of files it may open. Without it that is the hard
 * limit, raised to 131,072 where it is lower and may be raised: a connection takes two.
 *
 * It stays in the network namespace it is started in and ends on `shutdown` or SIGTERM. SIGTERM keeps its default action:
 * the kernel ends the process at once even though the loop is blocked in epoll_wait(2) and JavaScript could not hear a
 * signal, and closing is the kernel's work in either case.
 *
 * `--warm` instead of `--control` only fills Node's compile cache (`NODE_COMPILE_CACHE`) and ends: the stripped form of the
 * sources is in there too, and a keeper that finds it need not load Node's TypeScript parser, which would cost it 25 MB and
 * 100 ms.
 */
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.ts';
import { reserveDescriptors } from '../kernel/ffi/descriptor-table.ts';
import { setOpenFileLimit } from '../kernel/ffi/resource.ts';
import { nameProcess } from '../kernel/proc/process-name.ts';
import { Keeper } from './keeper.ts';

/** Files it wants to be able to open: 65,000 connections. */
const DESCRIPTORS = 1 << 17;
/** Room made for them from the beginning; it takes the kernel 256 KiB. */
const ROOM = 1 << 15;

const USAGE = 'main.ts --control <path> [--udp-timeout <seconds>] [--descriptors <most>] | --warm';

/** A positive number from the command line. */
function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} ${JSON.stringify(text)} is no positive number; usage: ${USAGE}`);
  return value;
}

try {
  const { values } = parseArgs({
    options: {
      control: { type: 'string' },
      'udp-timeout': { type: 'string', default: '90' },
      descriptors: { type: 'string' },
      warm: { type: 'boolean' },
    },
  });
  // Node writes its compile cache at exit, but a keeper is usually killed.
  flushCompileCache();
  if (!values.warm) {
    nameProcess('bridgeport-proxy');
    if (values.control === undefined) throw new Error(`--control is missing; usage: ${USAGE}`);
    const most = values.descriptors === undefined ? undefined : positive('--descriptors', values.descriptors);
    const descriptorLimit = setOpenFileLimit({ most, least: DESCRIPTORS });
    void reserveDescriptors(Math.min(ROOM, descriptorLimit));
    new Keeper({
      controlPath: values.control,
      descriptorLimit,
      udpTimeout: positive('--udp-timeout', values['udp-timeout']) * 1000,
    }).run();
  }
} catch (error) {
  process.stderr.write(`port keeper: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
