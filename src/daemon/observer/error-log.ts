import { type Log, silentLog } from '../../base/log.ts';

/** For a command that somebody waits for: what is missing from its answer is told on standard error. */
export const errorLog: Log = { ...silentLog, warn: tell, error: tell, child: () => errorLog };

function tell(fields: object, message: string): void {
  const told = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  process.stderr.write(`${message}: ${told.join(', ')}\n`);
}
