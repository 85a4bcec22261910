/** What a registry answers when it does not give what was asked for, and how Docker words it. */

import { BridgeportError, type ErrorKind } from '../../base/errors.ts';
import { familiarName, familiarReference, type Reference } from './reference.ts';

/** One entry of a registry's `{"errors": […]}`; `code` as in the distribution specification: `MANIFEST_UNKNOWN`. */
export interface RegistryProblem {
  code: string;
  message: string;
}

const STATUS_KINDS: Readonly<Record<number, ErrorKind>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  429: 'unavailable',
};

/** An answer with an error status. */
export class RegistryResponseError extends BridgeportError {
  /** HTTP status */
  readonly status: number;
  /** Empty when the body was not the registry's JSON. */
  readonly problems: readonly RegistryProblem[];

  constructor(status: number, statusText: string, problems: readonly RegistryProblem[]) {
    const first = problems[0];
    super(
      STATUS_KINDS[status] ?? (status >= 500 ? 'unavailable' : 'internal'),
      first === undefined
        ? `received unexpected HTTP status: ${status} ${statusText}`.trimEnd()
        : formatProblem(first),
    );
    this.status = status;
    this.problems = problems;
  }
}

/** `manifest unknown: manifest unknown`, `denied: requested access to the resource is denied` */
function formatProblem({ code, message }: RegistryProblem): string {
  return `${code.toLowerCase().replaceAll('_', ' ')}: ${message}`;
}

/** Reads the problems out of a body; none when it is anything else than the registry's JSON. */
export function parseProblems(body: string): RegistryProblem[] {
  try {
    const { errors } = JSON.parse(body) as { errors?: unknown };
    if (!Array.isArray(errors)) return [];
    return errors
      .filter((entry): entry is Record<string, unknown> => typeof entry === 'object' && entry !== null)
      .map(({ code, message }) => ({
        code: String(code ?? 'UNKNOWN'),
        message: String(message ?? ''),
      }));
  } catch {
    return [];
  }
}

/** Words a failure for the user who asked for `reference`, as Docker does. Other errors come back as they are. */
export function translate(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryResponseError)) return error;
  const cause = { cause: error };
  switch (error.problems[0]?.code) {
    case 'DENIED':
      return new BridgeportError(
        'not-found',
        `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login': ${error.message}`,
        cause,
      );
    case 'MANIFEST_UNKNOWN':
      return new BridgeportError(
        'not-found',
        `manifest for ${familiarReference(reference)} not found: ${error.message}`,
        cause,
      );
    case 'NAME_UNKNOWN':
      return new BridgeportError(
        'not-found',
        `repository ${familiarName(reference)} not found: ${error.message}`,
        cause,
      );
    default:
      return error;
  }
}
