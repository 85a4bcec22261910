/**
 * The web page's listener: off unless somebody wants it. `--ui-address` keeps it open as long as the daemon runs; `bridgeport ui`
 * has it opened at a free port of 127.0.0.1 and closed again when the command ends, however it ends.
 */

import { randomBytes } from 'node:crypto';
import type { Backend, OpenPage, PageBackend } from '../api/backend.ts';
import { PAGE_PATH, pageGuard } from '../api/page/guard.ts';
import { pageRoutes } from '../api/page/routes.ts';
import { type ApiServer, createApiServer } from '../api/server.ts';
import { hostPort } from '../base/ip.ts';
import type { Log } from '../base/log.ts';

/** What a command gets that names no address. */
const ON_DEMAND = { host: '127.0.0.1', port: 0 };

/** Milliseconds that requests of the page may take when its listener closes. */
const GRACE = 200;

export interface PageSettings {
  /** Where the page stays; undefined: nowhere. */
  address: { host: string; port: number } | undefined;
  /** What the page reads from. Asked for when the first listener opens. */
  backend: () => Backend;
  log: Log;
}

interface Listener {
  server: ApiServer;
  url: string;
}

export class PageServer implements PageBackend {
  readonly #settings: PageSettings;
  #listener: Promise<Listener> | undefined;
  #stays = false;
  #holders = 0;

  constructor(settings: PageSettings) {
    this.#settings = settings;
  }

  /** Serves it at the address of the configuration, if there is one. */
  async start(): Promise<void> {
    const { address } = this.#settings;
    if (address === undefined) return;
    this.#stays = true;
    this.#listener = this.#listen(address);
    await this.#listener;
  }

  async open(): Promise<OpenPage> {
    this.#holders++;
    let held = true;
    const release = async () => {
      if (!held) return;
      held = false;
      this.#holders--;
      if (this.#holders === 0 && !this.#stays) await this.close();
    };
    try {
      this.#listener ??= this.#listen(ON_DEMAND);
      const { url } = await this.#listener;
      return { url, stays: this.#stays, release };
    } catch (error) {
      this.#listener = undefined;
      await release();
      throw error;
    }
  }

  async close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    await (await listener)?.server.close({ graceMs: GRACE });
  }

  /** The token is made with the listener and goes with it. */
  async #listen({ host, port }: { host: string; port: number }): Promise<Listener> {
    const { backend, log } = this.#settings;
    const token = randomBytes(32).toString('base64url');
    const server = createApiServer(backend(), { log, routes: pageRoutes(), guard: pageGuard(token) });
    const bound = await server.listen({ kind: 'tcp', host, port });
    const authority = bound.kind === 'tcp' ? hostPort(bound.host, bound.port) : '';
    return { server, url: `http://${authority}${PAGE_PATH}#token=${token}` };
  }
}
