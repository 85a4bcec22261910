import { readFileSync } from 'node:fs';
import { cut } from './csv.ts';

/** The environment to look values up in; `process.env` in life. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A validator for `-e`: `NAME=value` is kept, `NAME` alone takes the value it has in `env` (and is kept bare, which
 * removes it from the image's environment, when it has none).
 */
export function envValue(env: Environment): (text: string) => string {
  return (text) => {
    const [name, value] = cut(text);
    if (name === '') throw new Error(`invalid environment variable: ${text}`);
    if (value !== undefined) return text;
    const inherited = env[name];
    return inherited === undefined ? text : `${name}=${inherited}`;
  };
}

/**
 * The lines of an `--env-file` or `--label-file`: blank lines and lines starting with `#` are skipped, leading white
 * space is dropped, what follows `=` is kept as it is (quotes too). With `env`, a bare name takes its value from there
 * or is left out.
 *
 * Throws an `Error` naming the file or the line.
 */
export function keyValueFile(path: string, env?: Environment): string[] {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? 'no such file or directory' : (code ?? 'cannot be read');
    throw new Error(`open ${path}: ${reason}`);
  }
  return keyValueLines(content, env);
}

/** As `keyValueFile`, for text that is already at hand. */
export function keyValueLines(content: string, env?: Environment): string[] {
  const result: string[] = [];
  for (const raw of content.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const line = raw.trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const [name, value] = cut(line);
    if (name === '') throw new Error(`no variable name on line '${line}'`);
    if (/[ \t]/.test(name)) throw new Error(`variable '${name}' contains whitespaces`);
    if (value !== undefined) result.push(line);
    else if (env?.[name] !== undefined) result.push(`${name}=${env[name]}`);
  }
  return result;
}

/** A validator for `-l`: the key must not be empty or hold white space. */
export function labelValue(text: string): string {
  const key = cut(text)[0].replace(/^[ \t]+/, '');
  if (key === '') throw new Error(`invalid label '${text}': empty name`);
  if (/[ \t]/.test(key)) throw new Error(`label '${key}' contains whitespaces`);
  return text;
}

/** `["a=1", "b"]` → `{a: '1', b: ''}`. */
export function keyValueMap(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => [cut(pair)[0], cut(pair)[1] ?? '']));
}
