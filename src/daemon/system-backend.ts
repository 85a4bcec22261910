/** `docker version`, `info`, `login`, `system df` and `events` for the API. */

import type { SystemBackend } from '../api/backend.ts';
import type { AuthConfig } from '../base/wire/index.ts';
import type { Engine } from '../engine/engine.ts';
import type { EventBus } from '../engine/events/bus.ts';
import type { ImageService } from '../engine/images/service.ts';
import { type SystemFacts, systemInfo, versionInfo } from '../engine/system/info.ts';
import { diskUsage } from '../engine/system/usage.ts';
import { tryReadSysctl } from '../kernel/sysctl.ts';

export interface SystemParts {
  engine: Engine;
  images: ImageService;
  events: EventBus;
  facts: SystemFacts;
  /** Tries credentials out at their registry. */
  login: (auth: AuthConfig, signal: AbortSignal) => Promise<void>;
}

/** Milliseconds that a registry gets to answer a login. */
const LOGIN_TIMEOUT = 30_000;

export function createSystemBackend({ engine, images, events, facts, login }: SystemParts): SystemBackend {
  const isOn = (name: string) => tryReadSysctl(name) === '1';
  return {
    version: async () => versionInfo(facts),
    info: async () =>
      systemInfo(facts, {
        statuses: engine.registry.all().map((container) => container.record.state.status),
        images: await images.count(),
        ipForwarding: isOn('net/ipv4/ip_forward'),
        // Nothing of ours meets rules when none are written.
        bridgeNf: facts.iptables
          ? {
              v4: isOn('net/bridge/bridge-nf-call-iptables'),
              v6: isOn('net/bridge/bridge-nf-call-ip6tables'),
            }
          : undefined,
      }),
    async auth(config) {
      await login(config, AbortSignal.timeout(LOGIN_TIMEOUT));
      return { Status: 'Login Succeeded', IdentityToken: '' };
    },
    diskUsage: async (types) => ({
      ...(await diskUsage(types, {
        images,
        containers: engine.containers,
        volumes: engine.volumes,
        volumeUsers: (name) =>
          engine.registry.all().filter(({ record }) => record.mounts.some((mount) => mount.Name === name))
            .length,
      })),
    }),
    events: (query) => events.stream(query),
  };
}
