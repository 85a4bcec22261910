/** The registry client of the daemon: connections, configuration and the limit on downloads that all pulls share. */

import type { AuthConfig } from '../../base/wire/index.ts';
import { credentialsOf } from './credentials.ts';
import { EndpointClient } from './endpoint-client.ts';
import { endpointsOf, InsecureRegistries, mirrorUrl, type RegistryConfig } from './endpoints.ts';
import { RegistryResponseError } from './errors.ts';
import { HttpTransport } from './http.ts';
import { DEFAULT_DOMAIN, parseReference, type Reference } from './reference.ts';
import { Repository, type RepositoryLog } from './repository.ts';
import { DEFAULT_RETRY, type RetryPolicy } from './retry.ts';
import { Semaphore } from './semaphore.ts';

/** dockerd's `--max-concurrent-downloads` */
const MAX_CONCURRENT_DOWNLOADS = 3;

export interface RegistryClientOptions extends RegistryConfig {
  /** `--max-concurrent-downloads`, default 3: layers at once, over all pulls */
  maxConcurrentDownloads?: number;
  /** `--max-download-attempts` and the pauses between; default 5 tries, 1 s, 2 s, 4 s … */
  retry?: Partial<RetryPolicy>;
  /** milliseconds without a byte until a request is given up, default 60,000 */
  idleTimeoutMs?: number;
  /** where the certificates of registries are, default `/etc/docker/certs.d` */
  certsDirectory?: string;
  log?: RepositoryLog;
}

export class RegistryClient {
  /** What downloads a layer runs in here. */
  readonly downloads: Semaphore;
  #config: RegistryConfig;
  #insecure: InsecureRegistries;
  readonly #transport: HttpTransport;
  readonly #retry: RetryPolicy;
  readonly #log: RepositoryLog;

  /** @throws `invalid` for a bad mirror or insecure registry */
  constructor(options: RegistryClientOptions) {
    this.#insecure = checked(options);
    this.#config = options;
    this.downloads = new Semaphore(options.maxConcurrentDownloads ?? MAX_CONCURRENT_DOWNLOADS);
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
    this.#log = options.log ?? { debug: () => undefined };
    this.#transport = new HttpTransport(options);
  }

  /**
   * Takes another configuration, for what is opened from now on.
   *
   * @throws `invalid`; then the old one stays
   */
  configure(config: RegistryConfig): void {
    this.#insecure = checked(config);
    this.#config = config;
  }

  /** The repository of `reference`, for reading. Nothing is asked of the registry yet. */
  async open(reference: Reference, auth?: AuthConfig): Promise<Repository> {
    const endpoints = await endpointsOf(reference.domain, this.#config, this.#insecure);
    const credentials = credentialsOf(auth);
    const scope = `repository:${reference.path}:pull`;
    const clients = endpoints.map(
      (endpoint) =>
        new EndpointClient(
          this.#transport,
          endpoint,
          endpoint.mirror ? { kind: 'none' } : credentials,
          scope,
        ),
    );
    return new Repository(reference, clients, this.#retry, this.#log);
  }

  /**
   * `docker login`: tries the credentials out.
   *
   * @throws `unauthorized`, `unavailable`
   */
  async login(auth: AuthConfig, signal: AbortSignal): Promise<void> {
    const domain = domainOf(auth.serveraddress ?? '');
    let last: unknown;
    for (const endpoint of await endpointsOf(domain, { ...this.#config, mirrors: [] }, this.#insecure)) {
      const client = new EndpointClient(this.#transport, endpoint, credentialsOf(auth), '');
      try {
        (await client.get('', {}, signal)).body.resume();
        return;
      } catch (error) {
        last = error;
        if (client.answered || error instanceof RegistryResponseError) throw error;
      }
    }
    throw last;
  }

  close(): void {
    this.#transport.close();
  }
}

/** @throws `invalid` for a bad mirror or insecure registry */
function checked(config: RegistryConfig): InsecureRegistries {
  for (const mirror of config.mirrors) mirrorUrl(mirror);
  return new InsecureRegistries(config.insecureRegistries);
}

/** `https://index.docker.io/v1/`, `registry.local:5000`, `''` for Docker Hub */
function domainOf(serverAddress: string): string {
  const host = serverAddress.replace(/^https?:\/\//, '').split('/')[0]!;
  if (host === '' || host === 'registry-1.docker.io') return DEFAULT_DOMAIN;
  return parseReference(`${host}/x`).domain;
}
