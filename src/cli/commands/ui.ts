import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isKind } from '../../base/errors.ts';
import { jsonLines } from '../client/json-lines.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
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
  flags: { 'no-open': bool('Print the address only, also where there is a desktop') },
  async run(context, { flags }) {
    const answer = await ask(context);
    for await (const { url } of jsonLines<PageAddress>(answer)) {
      context.out(`${url}\n`);
      if (!flags['no-open']) openOnDesktop(url, context.env);
      context.err(
        'The page is there until this command ends (Ctrl-C), or as long as the daemon has --ui-address.\n',
      );
    }
    return 0;
  },
});

async function ask({ client }: CliContext) {
  try {
    return await client.request('POST', '/bridgeport/ui', { versioned: false });
  } catch (error) {
    if (!isKind(error, 'not-found', 'not-implemented')) throw error;
    throw new Error(
      `the daemon at ${client.endpoint.url} has no page: it is not bridgeportd, or an older one`,
    );
  }
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
