/**
 * Reads a Dockerfile into its instructions, as the classic builder understands it: continued lines, comments, the `escape` directive,
 * flags. What only BuildKit knows (here-documents) is refused. See "Dockerfile reference". Pure.
 */

import { invalid } from '../../base/errors.ts';
import { splitWords } from '../images/words.ts';

export interface Instruction {
  /** Of its first line, from 1. */
  line: number;
  /** In capitals. */
  name: string;
  /** `--from=x` is `from` and `x`; one without a value is empty. Those of FROM, COPY, ADD and RUN alone. */
  flags: ReadonlyMap<string, string>;
  /** What follows. */
  rest: string;
  /** All of it, in one line, as it is shown. */
  text: string;
}

export interface Dockerfile {
  /** `\` or a backtick. */
  escapeChar: string;
  /** Instructions before the first FROM: ARG. */
  head: Instruction[];
  stages: Stage[];
}

export interface Stage {
  from: Instruction;
  /** In small letters; `''`: none. */
  name: string;
  /** The image, or an earlier stage, with variables. */
  base: string;
  instructions: Instruction[];
}

const NAMES: ReadonlySet<string> = new Set([
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'FROM',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
]);
const WITH_FLAGS: ReadonlySet<string> = new Set(['ADD', 'COPY', 'FROM', 'RUN']);
const WITH_HEREDOC: ReadonlySet<string> = new Set(['ADD', 'COPY', 'RUN']);
const HEREDOC = /^\d*<<-?(["']?)[A-Za-z_]\w*\1$/;
const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

/** @throws `invalid` with the line */
export function parseDockerfile(source: string): Dockerfile {
  const lines = source.replace(/^\uFEFF/, '').split(/\r?\n/);
  const escapeChar = escapeOf(lines);
  const instructions = logicalLines(lines, escapeChar).map(({ text, line }) => parseInstruction(text, line));
  if (instructions.length === 0) throw invalid('dockerfile parse error: file with no instructions');
  const head: Instruction[] = [];
  const stages: Stage[] = [];
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') stages.push(stageOf(instruction));
    else if (stages.length > 0) stages.at(-1)?.instructions.push(instruction);
    else if (instruction.name === 'ARG') head.push(instruction);
    else throw parseError(instruction.line, 'no build stage in current context');
  }
  if (stages.length === 0) throw invalid('dockerfile parse error: no build stage in current context');
  return { escapeChar, head, stages };
}

/** One instruction in one line; also the trigger of ONBUILD. */
export function parseInstruction(text: string, line: number): Instruction {
  const [, word = '', after = ''] = /^(\S+)\s*(.*)$/s.exec(text.trim()) ?? [];
  const name = word.toUpperCase();
  if (!NAMES.has(name)) throw parseError(line, `unknown instruction: ${word}`);
  const flags = new Map<string, string>();
  let rest = after.trim();
  while (WITH_FLAGS.has(name)) {
    const [whole, flag = '', value = ''] = /^--([a-z][\w-]*)(?:=(\S*))?(?:\s+|$)/.exec(rest) ?? [];
    if (whole === undefined) break;
    flags.set(flag, value);
    rest = rest.slice(whole.length);
  }
  if (rest === '') throw parseError(line, `${name} requires at least one argument`);
  if (WITH_HEREDOC.has(name) && splitWords(rest).some((part) => HEREDOC.test(part))) {
    throw parseError(line, `${name}: here-documents (<<) require BuildKit, which Bridgeport has not built`);
  }
  return { line, name, flags, rest, text: text.trim() };
}

export function parseError(line: number, message: string): Error {
  return invalid(`dockerfile parse error line ${line}: ${message}`);
}

/** Directives are comments `# name=value` before anything else, be it an empty line. */
function escapeOf(lines: readonly string[]): string {
  let escapeChar: string | undefined;
  for (const [index, text] of lines.entries()) {
    const [, name = '', value = ''] = /^#\s*([A-Za-z][\w-]*)\s*=\s*(.+?)\s*$/.exec(text) ?? [];
    if (name === '') break;
    if (name.toLowerCase() !== 'escape') continue;
    if (value !== '\\' && value !== '`') {
      throw parseError(index + 1, `invalid ESCAPE '${value}'. Must be \` or \\`);
    }
    if (escapeChar !== undefined) throw parseError(index + 1, 'only one escape parser directive can be used');
    escapeChar = value;
  }
  return escapeChar ?? '\\';
}

/** Comments and empty lines are left out, between continued lines too. */
function logicalLines(lines: readonly string[], escapeChar: string): Array<{ text: string; line: number }> {
  const continued = escapeChar === '\\' ? /\\[ \t]*$/ : /`[ \t]*$/;
  const found: Array<{ text: string; line: number }> = [];
  let open: { text: string; line: number } | undefined;
  for (const [index, line] of lines.entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    open ??= { text: '', line: index + 1 };
    const goesOn = continued.test(line);
    open.text += goesOn ? line.replace(continued, '') : line;
    if (goesOn) continue;
    found.push(open);
    open = undefined;
  }
  // The file ends in the middle of one.
  if (open !== undefined && open.text.trim() !== '') found.push(open);
  return found;
}

function stageOf(from: Instruction): Stage {
  const words = from.rest.split(/\s+/);
  const unknown = [...from.flags.keys()].find((flag) => flag !== 'platform');
  if (unknown !== undefined) throw parseError(from.line, `unknown flag: ${unknown}`);
  const [base = '', as = '', given = ''] = words;
  if (words.length !== 1 && !(words.length === 3 && as.toUpperCase() === 'AS')) {
    throw parseError(from.line, 'FROM requires either one or three arguments');
  }
  const name = given.toLowerCase();
  if (given !== '' && !STAGE_NAME.test(name)) {
    throw parseError(
      from.line,
      `invalid name for build stage: "${given}", name can't start with a number or contain symbols`,
    );
  }
  return { from, name, base, instructions: [] };
}
