/** What a user shows a registry: the decoded `X-Registry-Auth`. */

import type { AuthConfig } from '../../base/wire/index.ts';

export type Credentials =
  | { kind: 'none' }
  | { kind: 'basic'; username: string; password: string }
  /** an OAuth 2 refresh token that the token server gave at login */
  | { kind: 'identity'; token: string }
  /** a bearer token that the registry takes as it is */
  | { kind: 'registry'; token: string };

/** `auth` is base64 of `user:password`; the single members win over it. */
export function credentialsOf(auth: AuthConfig | undefined): Credentials {
  if (auth === undefined) return { kind: 'none' };
  if (auth.registrytoken) return { kind: 'registry', token: auth.registrytoken };
  if (auth.identitytoken) return { kind: 'identity', token: auth.identitytoken };
  if (auth.username) return { kind: 'basic', username: auth.username, password: auth.password ?? '' };
  const decoded = auth.auth ? Buffer.from(auth.auth, 'base64').toString() : '';
  const colon = decoded.indexOf(':');
  if (colon < 1) return { kind: 'none' };
  return { kind: 'basic', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/** The value of `Authorization` for basic authentication. */
export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
