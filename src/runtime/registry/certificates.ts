/** Which certificates a registry may show, and which we show it: the system's, and `/etc/docker/certs.d/HOST/`. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { BridgeportError, messageOf } from '../../base/errors.ts';

/** Where Docker keeps them: `*.crt` are authorities, `NAME.cert` and `NAME.key` a client's certificate. */
export const CERTS_DIRECTORY = '/etc/docker/certs.d';

/** One TLS context per host, read when it is first needed: parsing all authorities costs some 20 ms. */
export class Certificates {
  readonly #directory: string;
  readonly #contexts = new Map<string, Promise<SecureContext>>();

  constructor(directory: string = CERTS_DIRECTORY) {
    this.#directory = directory;
  }

  /**
   * `host` is `host` or `host:port`, as the directory is named.
   *
   * @throws `internal` when a certificate cannot be read or used
   */
  async contextOf(host: string): Promise<SecureContext> {
    const names = await readdir(join(this.#directory, host)).catch(() => [] as string[]);
    // Hosts without files of their own share one.
    const key = names.length === 0 ? '' : host;
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const made = this.#make(host, names);
    this.#contexts.set(key, made);
    made.catch(() => this.#contexts.delete(key));
    return made;
  }

  async #make(host: string, names: readonly string[]): Promise<SecureContext> {
    const read = (name: string) => readFile(join(this.#directory, host, name));
    try {
      const authorities = await Promise.all(names.filter((name) => name.endsWith('.crt')).map(read));
      const clients = names.filter((name) => name.endsWith('.cert'));
      for (const name of clients) {
        const key = name.replace(/cert$/, 'key');
        if (!names.includes(key)) {
          throw new Error(
            `missing key ${key} for client certificate ${name}: CA certificates must use the extension .crt`,
          );
        }
      }
      return createSecureContext({
        // Node's own list alone would leave out what the administrator added to the system.
        ca: [...new Set([...getCACertificates('default'), ...getCACertificates('system')]), ...authorities],
        cert: await Promise.all(clients.map(read)),
        key: await Promise.all(clients.map((name) => read(name.replace(/cert$/, 'key')))),
      });
    } catch (cause) {
      throw new BridgeportError(
        'internal',
        `read certificates in ${join(this.#directory, host)}: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}
