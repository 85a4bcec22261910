/**
 * The port keeper's process: `node src/proxy/main.ts --control <path>`.
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
import { raiseOpenFileLimit } from '../kernel/ffi/resource.ts';
import { Keeper } from './keeper.ts';

try {
  const { values } = parseArgs({ options: { control: { type: 'string' }, warm: { type: 'boolean' } } });
  // Node writes its compile cache at exit, but a keeper is usually killed.
  flushCompileCache();
  if (!values.warm) {
    if (values.control === undefined) throw new Error('--control <path> is missing');
    new Keeper({ controlPath: values.control, descriptorLimit: raiseOpenFileLimit() }).run();
  }
} catch (error) {
  process.stderr.write(`port keeper: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
