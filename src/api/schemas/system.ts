/** Credentials: the body of `POST /auth` and the content of `X-Registry-Auth`. */

import type { AuthConfig } from '../../base/wire/index.ts';
import { string, struct } from '../decode.ts';

export const authConfig = struct<AuthConfig>('AuthConfig', {
  username: string,
  password: string,
  auth: string,
  serveraddress: string,
  identitytoken: string,
  registrytoken: string,
  email: string,
});
