/** Base images that have to be pulled: their whole names, and who may. Pure. */

import type { AuthConfig } from '../../base/wire/index.ts';
import {
  DEFAULT_DOMAIN,
  familiarReference,
  parseReference,
  withDefaultTag,
} from '../../runtime/registry/reference.ts';

/** What clients call Docker's own registry in their credentials. */
const DEFAULT_SERVER = 'https://index.docker.io/v1/';

/** With the tag `latest` when there is none: otherwise all tags would be pulled. */
export function baseReference(name: string): string {
  const reference = parseReference(name);
  return familiarReference(reference.digest === undefined ? withDefaultTag(reference) : reference);
}

/** The credentials for the registry of an image, among those that the client has sent. */
export function credentialsFor(
  name: string,
  auths: Readonly<Record<string, AuthConfig>>,
): AuthConfig | undefined {
  const { domain } = parseReference(name);
  return auths[domain === DEFAULT_DOMAIN ? DEFAULT_SERVER : domain] ?? auths[`https://${domain}`];
}
