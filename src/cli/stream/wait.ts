import { messageOf } from '../../base/errors.ts';
import { readText } from '../client/client.ts';
import type { CliContext } from '../context.ts';

/** The answer of `POST /containers/ID/wait`. */
interface WaitAnswer {
  StatusCode: number;
  Error?: { Message: string } | null;
}

/** A wait that the daemon has accepted. */
export interface Waiting {
  /** The container's exit code; 125 (and a line on stderr) when waiting failed. */
  status: Promise<number>;
}

/**
 * Asks the daemon to report the exit (or, with `removed`, the removal) of container `id`. Resolves when the daemon has
 * taken note, which must be before the container is started: its exit may come at once.
 */
export async function waitForExit(context: CliContext, id: string, removed: boolean): Promise<Waiting> {
  const condition = removed ? 'removed' : 'next-exit';
  const response = await context.client.request('POST', `/containers/${id}/wait`, { query: { condition } });
  const status = readText(response).then(
    (body) => {
      const answer = JSON.parse(body) as WaitAnswer;
      if (!answer.Error?.Message) return answer.StatusCode;
      context.err(`Error waiting for container: ${answer.Error.Message}\n`);
      return 125;
    },
    (error: unknown) => {
      context.err(`error waiting for container: ${messageOf(error)}\n`);
      return 125;
    },
  );
  return { status };
}
