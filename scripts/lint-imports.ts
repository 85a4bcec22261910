/**
 * Checks the import table. Run by itself it checks `src/`, or the source tree that is named:
 *
 *     node scripts/lint-imports.ts [DIRECTORY]
 *
 * Why not Biome's noRestrictedImports: it sees the text of an import (`../../kernel/ffi/libc.ts`) and not the file
 * that is meant, so a rule is either blind to some relative paths or hits a folder of the same name elsewhere.
 */

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FLOORS, IMPURE_PACKAGES, OWNED_PACKAGES, PAGE_FLOORS, PURE } from './import-table.ts';

export interface Violation {
  /** Relative to the source tree. */
  file: string;
  /** Counted from 1. */
  line: number;
  /** What was imported, as written. */
  specifier: string;
  why: string;
}

/** True for what a package does not ship: tests and their helpers, which may import anything. */
export function isTest(file: string): boolean {
  return /\.test(ing)?\.ts$|(^|\/)(testing\/|test-[^/]*$)/.test(file);
}

/** Every violation below `tree`, in the order of files and lines. */
export function lintImports(tree: string): Violation[] {
  return violations(tree, '**/*.ts', FLOORS);
}

/** The same for the page's own files; `root` is that of the repository. */
export function lintPageImports(root: string): Violation[] {
  return violations(root, 'ui/**/*.ts', PAGE_FLOORS);
}

type Floors = Readonly<Record<string, readonly string[]>>;

function violations(tree: string, files: string, floors: Floors): Violation[] {
  return globSync(files, { cwd: tree })
    .sort()
    .filter((file) => !isTest(file))
    .flatMap((file) =>
      importsOf(readFileSync(join(tree, file), 'utf8')).flatMap(({ line, specifier }) => {
        const why = refusal(tree, floors, file, specifier);
        return why === undefined ? [] : [{ file, line, specifier, why }];
      }),
    );
}

function refusal(tree: string, floors: Floors, file: string, specifier: string): string | undefined {
  const floor = floorOf(floors, file);
  if (floor === undefined) return `${file} is in no module of the import table`;
  if (!specifier.startsWith('.')) return packageRefusal(floor, file, specifier);

  const target = relative(tree, resolve(tree, dirname(file), specifier));
  if (target.startsWith('..')) return `${floor} imports from outside the source tree`;
  if (isTest(target)) return 'only tests import test code';
  const other = floorOf(floors, target);
  if (other === undefined) return `${target} is in no module of the import table`;
  const allowed = [floor, ...(floors[floor] ?? [])];
  if (allowed.some((name) => isWithin(target, name))) return undefined;
  return `${floor} may import ${floors[floor]?.join(', ') || 'nothing'}, and not ${other}`;
}

function packageRefusal(floor: string, file: string, specifier: string): string | undefined {
  if (specifier === COMPUTED) return 'a computed import cannot be checked';
  const name = Object.keys(OWNED_PACKAGES).find(
    (owned) => specifier === owned || specifier.startsWith(`${owned}/`),
  );
  const owner = name === undefined ? undefined : OWNED_PACKAGES[name];
  if (owner !== undefined && !isWithin(file, owner)) return `only ${owner} imports ${name}`;
  if (PURE.includes(floor) && IMPURE_PACKAGES.includes(specifier)) return `${floor} is pure`;
  return undefined;
}

/** The longest name of the table that the file lies in: `network/ipam` for network/ipam/pool.ts. */
function floorOf(floors: Floors, file: string): string | undefined {
  return Object.keys(floors)
    .filter((name) => isWithin(file, name))
    .sort((a, b) => b.length - a.length)[0];
}

/** A module is a folder, or one file of the same name. */
function isWithin(file: string, name: string): boolean {
  return file.startsWith(`${name}/`) || file === `${name}.ts`;
}

const COMPUTED = '(computed)';

/** Every way to import: from, side effect, dynamic, re-export, and CommonJS by way of createRequire. */
const IMPORT = new RegExp(
  [
    /^\s*(?:import|export)\s[^'"`;]*?\bfrom\s*['"](?<from>[^'"]+)['"]/,
    /^\s*import\s*['"](?<effect>[^'"]+)['"]/,
    /(?<![.\w$])(?:import|require)\s*\(\s*['"`](?<call>[^'"`$]+)['"`]\s*\)/,
    // Not a method of this name: an expression stands behind one of these.
    /(?<=\bawait\s|\breturn\s|=>?\s|[(,[])(?:import|require)\s*\(\s*(?=[^\s'"]|['"][^'"]*['"]\s*\+)/,
  ]
    .map((pattern) => pattern.source)
    .join('|'),
  'gm',
);

/** The imports of one source text. Comments are blanked first, so that prose about `import (x)` does not count. */
export function importsOf(source: string): Array<{ line: number; specifier: string }> {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));
  return [...code.matchAll(IMPORT)].map((match) => {
    const { from, effect, call } = match.groups ?? {};
    const start = match.index + match[0].search(/\S/);
    return { line: code.slice(0, start).split('\n').length, specifier: from ?? effect ?? call ?? COMPUTED };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const tree = resolve(process.argv[2] ?? join(import.meta.dirname, '../src'));
  const violations = lintImports(tree);
  for (const { file, line, specifier, why } of violations) {
    console.error(`${join(relative(process.cwd(), tree), file)}:${line}: ${specifier}: ${why}`);
  }
  process.exitCode = violations.length === 0 ? 0 : 1;
}
