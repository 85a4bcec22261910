/** Follows a resolv.conf: edited in place, replaced, or a symbolic link to something that is (systemd-resolved's). */

import { type FSWatcher, readFileSync, realpathSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../../base/log.ts';
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts';

export interface WatchResolvConfOptions {
  /** Default `/etc/resolv.conf`. */
  readonly path?: string;
  /** Called when what it says changes; comments do not count. */
  readonly onChange: (conf: ResolvConf) => void;
  readonly log: Log;
  /** Milliseconds between looks at the file, for what inotify does not tell (a file that is mounted over). Default 5,000. */
  readonly interval?: number;
  /** Milliseconds to wait after a change, since writers are seldom done at once. Default 50. */
  readonly settle?: number;
}

export interface ResolvConfWatch extends Disposable {
  /** What it says now. A file that is missing says nothing. */
  readonly current: ResolvConf;
}

/** Reads the file and follows it until disposed of. Does not keep the process alive. */
export function watchResolvConf(options: WatchResolvConfOptions): ResolvConfWatch {
  const { path = '/etc/resolv.conf', onChange, log, interval = 5000, settle = 50 } = options;
  let closed = false;
  let watchers = new Map<string, FSWatcher>();
  let settling: NodeJS.Timeout | undefined;
  let current = read(path) ?? parseResolvConf('');

  const look = () => {
    if (closed) return;
    const conf = read(path);
    follow();
    // Unreadable for the moment: what was true until now is a better guess than nothing.
    if (conf === undefined || JSON.stringify(conf) === JSON.stringify(current)) return;
    current = conf;
    log.info({ nameservers: conf.nameservers }, 'the host uses other name servers now');
    onChange(conf);
  };
  const soon = () => {
    clearTimeout(settling);
    settling = setTimeout(look, settle).unref();
  };
  /** Watches the directory of the link and of what it leads to, not the file: it may be replaced. */
  const follow = () => {
    const directories = new Set([dirname(path)]);
    try {
      directories.add(dirname(realpathSync(path)));
    } catch {
      // dangling for the moment
    }
    const next = new Map<string, FSWatcher>();
    for (const directory of directories) {
      const watcher = watchers.get(directory) ?? open(directory);
      if (watcher !== undefined) next.set(directory, watcher);
    }
    for (const [directory, watcher] of watchers) if (!next.has(directory)) watcher.close();
    watchers = next;
  };
  const open = (directory: string): FSWatcher | undefined => {
    try {
      const watcher = watch(directory, { persistent: false }, soon);
      watcher.on('error', () => {
        watcher.close();
        watchers.delete(directory);
      });
      return watcher;
    } catch (error) {
      log.debug({ err: error, directory }, 'cannot watch; the file is looked at now and then');
      return undefined;
    }
  };
  follow();
  const timer = setInterval(look, interval).unref();
  return {
    get current() {
      return current;
    },
    [Symbol.dispose]() {
      closed = true;
      clearInterval(timer);
      clearTimeout(settling);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

function read(path: string): ResolvConf | undefined {
  try {
    return parseResolvConf(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
