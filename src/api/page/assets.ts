/**
 * The page's files, by the exact paths they are asked for: what is not in the table does not exist, so no path leads out of it.
 * There is no bundler: browsers load modules, and TypeScript's types are taken out when a file is first asked for.
 */

import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE_FOLDER = join(import.meta.dirname, '../../../ui');

/** Files of packages that the page uses, by the name under which the page imports them. */
const VENDORED: Readonly<Record<string, string>> = {
  'vendor/cytoscape.mjs': 'cytoscape/dist/cytoscape.esm.min.mjs',
  'vendor/elk-api.mjs': 'elkjs/lib/elk-api.js',
  'vendor/elk-worker.js': 'elkjs/lib/elk-worker.min.js',
};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/javascript; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
};

export interface Asset {
  contentType: string;
  body: string;
}

/** Reads each file once. Nothing is read before somebody looks. */
export class Assets {
  readonly #found = new Map<string, Promise<Asset>>();
  #files: ReadonlyMap<string, string> | undefined;

  /** @param name relative to the page: `main.ts`, `graph/view.ts`. Undefined when there is no such file. */
  get(name: string): Promise<Asset> | undefined {
    this.#files ??= assetFiles();
    const path = this.#files.get(name);
    if (path === undefined) return undefined;
    let asset = this.#found.get(name);
    if (asset === undefined) {
      asset = readAsset(path, extname(name));
      this.#found.set(name, asset);
      // What could not be read may be readable the next time.
      asset.catch(() => this.#found.delete(name));
    }
    return asset;
  }
}

/** Every file of the page, by its name. */
function assetFiles(): Map<string, string> {
  const own = globSync('**/*.{html,css,svg,ts}', { cwd: PAGE_FOLDER })
    .filter((name) => !/\.test\.ts$|\.d\.m?ts$|^testing\//.test(name))
    .map((name): [string, string] => [name, join(PAGE_FOLDER, name)]);
  const vendored = Object.entries(VENDORED).map(([name, file]): [string, string] => [
    name,
    fileURLToPath(import.meta.resolve(file)),
  ]);
  return new Map([...own, ...vendored]);
}

async function readAsset(path: string, extension: string): Promise<Asset> {
  const text = await readFile(path, 'utf8');
  const contentType = TYPES[extension] ?? 'application/octet-stream';
  if (extension !== '.ts') return { contentType, body: text };
  const { stripTypeScriptTypes } = await import('node:module');
  return { contentType, body: stripTypeScriptTypes(text) };
}
