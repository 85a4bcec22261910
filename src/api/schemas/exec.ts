/** Request bodies of `/exec` and `/containers/{name}/exec`. */

import type { ExecCreateBody } from '../../base/wire/index.ts';
import { array, bool, filled, nullable, pair, string, strings, struct } from '../decode.ts';

export const execCreateBody = struct<ExecCreateBody>('ExecCreateRequest', {
  User: string,
  Privileged: bool,
  Tty: bool,
  ConsoleSize: nullable(pair),
  AttachStdin: bool,
  AttachStderr: bool,
  AttachStdout: bool,
  DetachKeys: string,
  Env: nullable(array(string)),
  WorkingDir: string,
  Cmd: filled(strings),
});

export interface ExecStartBody {
  Detach?: boolean;
  Tty?: boolean;
  ConsoleSize?: [number, number] | null;
}

export const execStartBody = struct<ExecStartBody>('ExecStartRequest', {
  Detach: bool,
  Tty: bool,
  ConsoleSize: nullable(pair),
});
