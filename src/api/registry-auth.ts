/** The `X-Registry-Auth` header: credentials as JSON, base64 with either alphabet, padded or not. */

import type { IncomingHttpHeaders } from 'node:http';
import { invalid } from '../base/errors.ts';
import type { AuthConfig } from '../base/wire/index.ts';
import { authConfig } from './schemas/system.ts';

/**
 * @returns undefined when there is no header, or it holds nothing
 * @throws `invalid` when it cannot be decoded; its content is never quoted
 */
export function registryAuth(headers: IncomingHttpHeaders): AuthConfig | undefined {
  const header = headers['x-registry-auth'];
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (text === undefined || text === '') return undefined;
  let auth: AuthConfig;
  try {
    // Buffer's base64 reads the URL alphabet too
    const value: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    if (value === null) return undefined;
    auth = authConfig.decode(value, '');
  } catch {
    throw invalid('invalid X-Registry-Auth header: not base64-encoded JSON credentials');
  }
  return Object.values(auth).some((value) => value !== '') ? auth : undefined;
}
