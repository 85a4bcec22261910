/** The daemon, as the page sees it: a few paths that are read. */

/** The token came behind `#`, which browsers send to nobody; it is kept for this tab alone, so that a reload needs no new one. */
const STORED = 'bridgeport-token';

/** Takes the token out of the address bar, where it could be read or bookmarked. */
export function takeToken(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    sessionStorage.setItem(STORED, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(STORED) ?? undefined;
}

/** The daemon answered, and said no. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** It does not have what was asked for: an older one, or not built. */
  get isAbsent(): boolean {
    return this.status === 404 || this.status === 501;
  }
}

/** Answers that are one JSON value a line. */
const LINES: ReadonlySet<string> = new Set(['flows']);

/** Milliseconds for an answer. */
const PATIENCE = 15_000;

export class Api {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  /**
   * Reads `/bridgeport/NAME`; what is one value a line comes as a list.
   *
   * @throws `Refusal` for a status of 400 and above; what `fetch` throws when nobody answers
   */
  async read<T>(name: string, query: Record<string, string> = {}): Promise<T> {
    const search = new URLSearchParams(query).toString();
    const path = `/bridgeport/${name}${search && `?${search}`}`;
    // Once more: an address of the host that comes or goes ends every request (`boot.ts`).
    const response = await this.#fetch(path).catch(() => this.#fetch(path));
    const text = await response.text();
    if (response.ok) return (LINES.has(name) ? linesOf(text) : JSON.parse(text)) as T;
    throw new Refusal(response.status, messageIn(text) ?? `status ${response.status}`);
  }

  #fetch(path: string): Promise<Response> {
    return fetch(path, {
      headers: { Authorization: `Bearer ${this.#token}` },
      signal: AbortSignal.timeout(PATIENCE),
      credentials: 'omit',
    });
  }
}

function linesOf(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

function messageIn(text: string): string | undefined {
  try {
    return String((JSON.parse(text) as { message: string }).message);
  } catch {
    return text.trim() || undefined;
  }
}
