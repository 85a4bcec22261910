/** How an image is to be run, from how a container was created. Pure. */

import { unfoldPortSet } from '../../base/port-runs.ts';
import type { ContainerConfig } from '../../base/wire/index.ts';
import type { ImageRunConfig } from '../images/index.ts';

/** What of a container's configuration belongs to an image that is made of it; the rest (host name, terminal) is the container's alone. */
export function runConfigOf(config: Partial<ContainerConfig>): ImageRunConfig {
  const result: ImageRunConfig = {};
  if (config.User) result.User = config.User;
  const ports = [...unfoldPortSet(Object.keys(config.ExposedPorts ?? {}))];
  if (ports.length > 0) result.ExposedPorts = Object.fromEntries(ports.map((port) => [port, {}]));
  if (config.Env?.length) result.Env = [...config.Env];
  if (config.Entrypoint) result.Entrypoint = [...config.Entrypoint];
  if (config.Cmd) result.Cmd = [...config.Cmd];
  if (size(config.Volumes) > 0) result.Volumes = { ...config.Volumes };
  if (config.WorkingDir) result.WorkingDir = config.WorkingDir;
  if (size(config.Labels) > 0) result.Labels = { ...config.Labels };
  if (config.StopSignal) result.StopSignal = config.StopSignal;
  if (config.Healthcheck) result.Healthcheck = { ...config.Healthcheck };
  if (config.OnBuild?.length) result.OnBuild = [...config.OnBuild];
  if (config.Shell) result.Shell = [...config.Shell];
  return result;
}

/**
 * `own` where it says something, `base` for the rest; ports, volumes, labels and variables are those of both. An own entrypoint takes the
 * command of `base` away, as when a container is created.
 */
export function mergeRunConfig(own: ImageRunConfig, base: ImageRunConfig): ImageRunConfig {
  const merged: ImageRunConfig = { ...base, ...own };
  const names = new Set((own.Env ?? []).map(nameOf));
  const env = [...(own.Env ?? []), ...(base.Env ?? []).filter((line) => !names.has(nameOf(line)))];
  if (env.length > 0) merged.Env = env;
  for (const member of ['ExposedPorts', 'Volumes'] as const) {
    if (size(own[member]) > 0) merged[member] = { ...base[member], ...own[member] };
  }
  if (size(own.Labels) > 0) merged.Labels = { ...base.Labels, ...own.Labels };
  const { Cmd: _, ...withoutCommand } = merged;
  return own.Entrypoint?.length && own.Cmd === undefined ? withoutCommand : merged;
}

const nameOf = (line: string) => line.split('=', 1)[0];
const size = (object: object | null | undefined) => Object.keys(object ?? {}).length;
