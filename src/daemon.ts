/** `bridgeportd`: reads its configuration, starts the daemon and obeys signals. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pino } from 'pino';
import { messageOf } from './base/errors.ts';
import { parseDaemonConfig, type ReadFile } from './config/parse.ts';
import { diffReload, reloadAttributes } from './config/reload.ts';
import type { DaemonConfig } from './config/table.ts';
import { Daemon } from './daemon/daemon.ts';
import { VERSION } from './daemon/version.ts';
import { reserveDescriptors } from './kernel/ffi/descriptor-table.ts';
import { keepLowDescriptors } from './kernel/ffi/low-descriptors.ts';
import { nameProcess } from './kernel/proc/process-name.ts';

/** Descriptors made room for from the beginning: those of some hundred containers. It takes the kernel 32 KiB. */
const DESCRIPTORS = 4096;

const readConfig: ReadFile = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

async function main(argv: string[]): Promise<void> {
  const invocation = readInvocation(argv);
  if (invocation.kind === 'help') {
    process.stdout.write(invocation.text);
    return;
  }
  if (invocation.kind === 'version') {
    process.stdout.write(`Bridgeport version ${VERSION}\n`);
    return;
  }
  if (invocation.kind === 'validate') {
    process.stderr.write('configuration OK\n');
    return;
  }
  if (process.geteuid?.() !== 0) {
    process.stderr.write('bridgeportd needs to be started with root privileges\n');
    process.exit(1);
  }
  await run(argv, invocation.config, invocation.warnings);
}

function readInvocation(argv: string[]): ReturnType<typeof parseDaemonConfig> {
  try {
    return parseDaemonConfig(argv, readConfig, process.env);
  } catch (error) {
    process.stderr.write(`bridgeportd: ${messageOf(error)}\n`);
    process.exit(1);
  }
}

async function run(argv: string[], initial: DaemonConfig, warnings: string[]): Promise<void> {
  let config = initial;
  nameProcess('bridgeportd');
  const log = pino(
    { level: config.debug ? 'debug' : config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
  for (const warning of warnings) log.warn({}, warning);
  keepLowDescriptors();
  void reserveDescriptors(DESCRIPTORS);
  const daemon = new Daemon(config, log);

  let _ending: Promise<void> | undefined;
  const end = (signal: string) => {
    _ending ??= (async () => {
      log.info({ signal }, 'ending');
      await daemon.stop();
      if (config.pidfile !== '') rmSync(config.pidfile, { force: true });
      process.exit(0);
    })();
  };
  // A fault in one container's affairs must not end the daemon of all others.
  process.on('unhandledRejection', (reason) => {
    log.error(
      { error: messageOf(reason), stack: reason instanceof Error ? reason.stack : undefined },
      'a failure that nobody waited for',
    );
  });
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('SIGHUP', () => {
    try {
      const next = parseDaemonConfig(argv, readConfig, process.env);
      if (next.kind !== 'run') return;
      const plan = diffReload(config, next.config);
      config = plan.config;
      log.level = config.debug ? 'debug' : config.logLevel;
      daemon.reload(config, reloadAttributes(config));
      log.info({ changed: plan.changed, deferred: plan.deferred }, 'configuration reloaded');
    } catch (error) {
      log.error({ error: messageOf(error) }, 'reload refused; going on with the old configuration');
    }
  });

  let tookPidFile = false;
  try {
    takePidFile(config.pidfile);
    tookPidFile = true;
    await daemon.start();
  } catch (error) {
    log.fatal(
      { error: messageOf(error), cause: error instanceof Error ? error.stack : undefined },
      'cannot start',
    );
    await daemon.stop();
    if (tookPidFile && config.pidfile !== '') rmSync(config.pidfile, { force: true });
    process.exit(1);
  }
}

/** Refuses to start beside another daemon with the same file. */
function takePidFile(path: string): void {
  if (path === '') return;
  let other = 0;
  try {
    other = Number(readFileSync(path, 'utf8'));
  } catch {
    // No file: no other daemon.
  }
  if (other > 0 && other !== process.pid && isDaemon(other)) {
    throw new Error(
      `pid file "${path}" names process ${other}, which is running; is another bridgeportd started already?`,
    );
  }
  writeFileSync(path, `${process.pid}`);
}

/** A number that was given to another program meanwhile does not count. */
function isDaemon(pid: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.some((word) => basename(word) === basename(import.meta.filename));
  } catch {
    return false;
  }
}

await main(process.argv.slice(2));
