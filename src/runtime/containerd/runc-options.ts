/** containerd.runc.v1.Options: what the runc shim may be told. */

import type { Any, RuncOptions } from './api.ts';
import { bool, field, int, message, string } from './protobuf.ts';

const options = message({
  noPivotRoot: field(1, bool),
  noNewKeyring: field(2, bool),
  shimCgroup: field(3, string),
  ioUid: field(4, int),
  ioGid: field(5, int),
  binaryName: field(6, string),
  root: field(7, string),
  systemdCgroup: field(9, bool),
});

/** The runtime that the default options are for. */
export const RUNC_RUNTIME = 'io.containerd.runc.v2';

export const encodeRuncOptions = (values: RuncOptions): Any => ({
  typeUrl: 'containerd.runc.v1.Options',
  value: options.encode(values),
});
