/** What a container's process finds around it: its environment, and the files under /etc that tell it of its network. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conflict } from '../../base/errors.ts';
import type { HostConfig } from '../../base/wire/index.ts';
import type { SandboxInfo } from '../../network/controller/sandbox.ts';
import type { EngineContext } from '../context.ts';
import { extraHostLines, hostsFile, resolvFile } from '../files/network-files.ts';
import type { OciMount } from '../spec/oci.ts';
import type { Container } from './container.ts';
import { processEnvironment } from './environment.ts';
import { type LinkFacts, linkEnvironment } from './link-environment.ts';
import type { ContainerRegistry } from './registry.ts';

interface ResolvedLink extends LinkFacts {
  /** Names of the linked container in /etc/hosts. */
  names: string[];
}

export class Surroundings {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;

  constructor(context: EngineContext, registry: ContainerRegistry) {
    this.#context = context;
    this.#registry = registry;
  }

  /** Throws `conflict` in Docker's words when a linked container does not run. */
  environment(container: Container, home: string): string[] {
    const { config, name, links } = container.record;
    for (const link of links) {
      const server = this.#registry.byId(link.containerId);
      if (server?.isRunning === false) {
        throw conflict(
          `Cannot link to a non running container: /${server.record.name} AS /${name}/${link.alias}`,
        );
      }
    }
    return processEnvironment({
      hostname: config.Hostname,
      tty: config.Tty,
      links: this.#links(container).flatMap((link) => linkEnvironment(link)),
      own: config.Env,
      home,
    });
  }

  /** The mounts of the three files in `folder`, but for those that a volume of the container stands for. */
  fileMounts(container: Container, folder: string): OciMount[] {
    const { mounts, hostConfig } = container.record;
    const own = new Set(mounts.map((mount) => mount.Destination));
    return ['hosts', 'resolv.conf', 'hostname']
      .map((name) => ({ destination: `/etc/${name}`, source: join(folder, name) }))
      .filter(({ destination }) => !own.has(destination))
      .map(({ destination, source }) => ({
        destination,
        type: 'bind',
        source,
        options: ['rbind', 'rprivate', ...(hostConfig.ReadonlyRootfs ? ['ro'] : [])],
      }));
  }

  /** Again when a link's address has changed: the files are written in place, because they are mounted. */
  writeFiles(container: Container, sandbox: SandboxInfo): void {
    const { settings } = this.#context;
    const { hostConfig, config } = container.record;
    const { defaults } = settings;
    const isHost = hostConfig.NetworkMode === 'host';
    const extra = {
      extraHosts: hostConfig.ExtraHosts ?? [],
      hostGatewayIps:
        settings.hostGatewayIps.length > 0 ? settings.hostGatewayIps : this.#context.network.defaultGateways,
    };
    const hosts = isHost
      ? [textOf('/etc/hosts').trimEnd(), ...extraHostLines(extra), ''].join('\n')
      : hostsFile({
          hostname: config.Hostname,
          domainname: config.Domainname,
          addresses: addressesOf(sandbox),
          ipv6Disabled: isIPv6Disabled(hostConfig),
          links: this.#links(container),
          ...extra,
        });
    const resolv = resolvFile({
      hostText: textOf('/etc/resolv.conf'),
      dns: hostConfig.Dns.length > 0 ? hostConfig.Dns : defaults.dns,
      search: hostConfig.DnsSearch.length > 0 ? hostConfig.DnsSearch : defaults.dnsSearch,
      options: hostConfig.DnsOptions.length > 0 ? hostConfig.DnsOptions : defaults.dnsOptions,
      ownNamespace: !isHost,
      resolver: sandbox.resolver,
      hasIPv6: addressesOf(sandbox).some((address) => address.includes(':')),
    });
    mkdirSync(container.folder, { recursive: true, mode: 0o710 });
    const files = { hosts, 'resolv.conf': resolv, hostname: `${config.Hostname}\n` };
    for (const [name, text] of Object.entries(files)) {
      const path = join(container.folder, name);
      // Most of what changes a container's network changes none of them, and cutting a file costs the disk's journal.
      if (textOf(path) !== text) writeFileSync(path, text, { mode: 0o644 });
    }
  }

  /** Those whose container runs on the default bridge. */
  #links(container: Container): ResolvedLink[] {
    return container.record.links.flatMap((link) => {
      const server = this.#registry.byId(link.containerId);
      const address = server && this.#context.network.sandbox(server.id)?.networks.bridge?.IPAddress;
      if (server === undefined || !address) return [];
      const { config, name } = server.record;
      return [
        {
          clientName: container.record.name,
          alias: link.alias,
          address,
          exposedPorts: Object.keys(config.ExposedPorts ?? {}),
          env: config.Env,
          names: [...new Set([link.alias, config.Hostname, name].filter(Boolean))],
        },
      ];
    });
  }
}

/** Docker's rule: the sysctl of all interfaces decides. */
export function isIPv6Disabled({ Sysctls: sysctls }: HostConfig): boolean {
  return sysctls?.['net.ipv6.conf.all.disable_ipv6'] === '1';
}

function addressesOf(sandbox: SandboxInfo): string[] {
  return Object.values(sandbox.networks).flatMap((endpoint) =>
    [endpoint.IPAddress ?? '', endpoint.GlobalIPv6Address ?? ''].filter(Boolean),
  );
}

/** Empty when there is no such file. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
