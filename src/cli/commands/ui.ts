import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isKind } from '../../base/errors.ts';
import { ExitError } from '../client/errors.ts';
import { jsonLines } from '../client/json-lines.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { observableSocket, startObserver } from '../explain/observer.ts';
import { bool } from '../flags/flag.ts';

/** The first line of the answer to `POST /bridgeport/ui`; the page is there until the answer ends. */
interface PageAddress {
  /** With the token, behind `#`. */
  url: string;
}

export const ui = defineCommand({
  use: '[OPTIONS]',
  summary: 'Show the network as a page in the browser',
  args: { min: 0, max: 0 },
  flags: {
    'no-open': bool('Print the address only, also where there is a desktop'),
    json: bool('Print the address as JSON'),
  },
  async run(context, { flags }) {
    for await (const { url } of await openPage(context)) {
      context.out(`${flags.json ? JSON.stringify({ url }) : url}\n`);
      if (!flags['no-open']) openOnDesktop(url, context.env);
      context.err(
        'The page is there until this command ends (Ctrl-C), or as long as the daemon has --ui-address.\n',
      );
    }
    return 0;
  },
});

/** The page's address; what comes after it is the end. */
async function openPage(context: CliContext): Promise<AsyncIterable<PageAddress>> {
  const { client } = context;
  try {
    const answer = await client.request('POST', '/bridgeport/ui', { versioned: false });
    return jsonLines<PageAddress>(answer);
  } catch (error) {
    if (!isKind(error, 'not-found', 'not-implemented')) throw error;
    return pageFromHere(context);
  }
}

/**
 * The page of an engine that has none (a Docker Engine), by an observer on this machine. Its standard input is the lease: it ends
 * with this command.
 */
async function* pageFromHere(context: CliContext): AsyncGenerator<PageAddress> {
  const observer = startObserver('page-main', observableSocket(context));
  for await (const line of createInterface({ input: observer.stdout })) yield JSON.parse(line) as PageAddress;
  throw new ExitError(1);
}

/**
 * Opens the browser of a graphical session. Every user can read the words of a command line, so what the browser is
 * given is not the address but a file of the session's own folder (XDG Base Directory Specification) that leads there.
 */
function openOnDesktop(url: string, env: CliContext['env']): void {
  const folder = env.XDG_RUNTIME_DIR;
  if (folder === undefined || (env.DISPLAY ?? env.WAYLAND_DISPLAY) === undefined) return;
  try {
    const file = join(folder, 'bridgeport-ui.html');
    writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0;url=${url}">\n`, {
      mode: 0o600,
    });
    const browser = spawn('xdg-open', [file], { stdio: 'ignore', detached: true });
    browser.on('error', () => {}); // The address has been printed.
    browser.unref();
  } catch {
    // No folder, no browser: the address has been printed.
  }
}
