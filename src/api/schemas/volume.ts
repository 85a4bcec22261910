/** Request bodies of `/volumes`. */

import type { VolumeCreateBody } from '../../base/wire/index.ts';
import { map, string, struct } from '../decode.ts';

export const volumeCreateBody = struct<VolumeCreateBody>('VolumeCreateRequest', {
  Name: string,
  Driver: string,
  DriverOpts: map(string),
  Labels: map(string),
});
