import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { registryOf } from '../format/reference.ts';

/** What Bridgeport uses of `~/.docker/config.json`. */
export interface DockerConfig {
  auths?: Record<
    string,
    { auth?: string; username?: string; password?: string; identitytoken?: string; registrytoken?: string }
  >;
  detachKeys?: string;
  psFormat?: string;
  imagesFormat?: string;
  HttpHeaders?: Record<string, string>;
}

/** Key of Docker Hub in `auths`, from the days of its first API. */
const HUB_KEY = 'https://index.docker.io/v1/';

/**
 * Reads `config.json` in `DOCKER_CONFIG` or `~/.docker`; an absent file is an empty configuration.
 *
 * Throws an `Error` naming a file that is not JSON.
 */
export function loadDockerConfig(env: Readonly<Record<string, string | undefined>>): DockerConfig {
  const path = join(env.DOCKER_CONFIG || join(env.HOME ?? '/', '.docker'), 'config.json');
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch {
    return {};
  }
  try {
    return JSON.parse(content) as DockerConfig;
  } catch (error) {
    throw new Error(`WARNING: Error loading config file: ${path}: ${error}`);
  }
}

/** The `X-Registry-Auth` header for pulling `reference`: base64url of the credentials' JSON. */
export function registryAuth(config: DockerConfig, reference: string): string {
  const registry = registryOf(reference);
  const keys = registry === 'docker.io' ? [HUB_KEY, 'docker.io', 'index.docker.io'] : [registry];
  const found = Object.entries(config.auths ?? {}).find(
    ([key]) => keys.includes(key) || keys.includes(hostOf(key)),
  );
  if (found === undefined) return base64url({});
  const { auth, username, password, identitytoken, registrytoken } = found[1];
  // `auth` is base64 of `user:password`; a password may hold colons, a user may not.
  const [, user, secret] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(auth ?? '', 'base64').toString()) ?? [];
  return base64url({
    username: username ?? user,
    password: password ?? secret?.replace(/\0+$/, ''),
    identitytoken,
    registrytoken,
    serveraddress: registry === 'docker.io' ? HUB_KEY : registry,
  });
}

const hostOf = (key: string) => key.replace(/^https?:\/\//, '').split('/')[0]!;
const base64url = (value: object) =>
  Buffer.from(JSON.stringify(value)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
