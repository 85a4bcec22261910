/** The arguments of a build (`--build-arg`, ARG): which are declared where, and what they are. Pure. */

/** Those that need no ARG, and change nothing but what a command sees. */
const PREDEFINED: ReadonlySet<string> = new Set(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
);

export class BuildArguments {
  readonly #given: ReadonlyMap<string, string>;
  /** Declared before the first FROM: seen by FROM lines, and by those that declare them again. */
  readonly #head = new Map<string, string | undefined>();
  #declared = new Map<string, string | undefined>();
  readonly #used = new Set<string>();

  /** `given`: by name; one without a value counts as not given. */
  constructor(given: Readonly<Record<string, string | null>>) {
    this.#given = new Map(
      Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== null),
    );
  }

  declareInHead(name: string, byDefault: string | undefined): void {
    this.#used.add(name);
    this.#head.set(name, byDefault);
  }

  /** In the present stage. */
  declare(name: string, byDefault: string | undefined): void {
    this.#used.add(name);
    this.#declared.set(name, byDefault ?? this.ofHead(name));
  }

  nextStage(): void {
    this.#declared = new Map();
  }

  /** What a FROM line sees. */
  ofHead(name: string): string | undefined {
    return this.#head.has(name) ? (this.#given.get(name) ?? this.#head.get(name)) : undefined;
  }

  /** What an instruction of the present stage sees. */
  get(name: string): string | undefined {
    if (this.#declared.has(name)) return this.#given.get(name) ?? this.#declared.get(name);
    return PREDEFINED.has(name) ? this.#given.get(name) : undefined;
  }

  /**
   * `NAME=value` of those that a command sees, sorted; the variables `env` of the image come before them. `shown`: without the
   * predefined ones that were not declared, which make no difference to the image.
   */
  variables(env: readonly string[], options: { shown: boolean }): string[] {
    const hidden = new Set(env.map((line) => line.split('=', 1)[0]));
    const names = new Set([
      ...this.#declared.keys(),
      ...(options.shown ? [] : [...PREDEFINED].filter((name) => this.#given.has(name))),
    ]);
    return [...names]
      .filter((name) => !hidden.has(name))
      .flatMap((name) => {
        const value = this.get(name);
        return value === undefined ? [] : [`${name}=${value}`];
      })
      .sort();
  }

  /** Given, and never declared; sorted. */
  get unused(): string[] {
    return [...this.#given.keys()].filter((name) => !this.#used.has(name) && !PREDEFINED.has(name)).sort();
  }
}
