/**
 * `--change` of `docker import` and `docker commit`: Dockerfile instructions applied to an image's config.
 * Semantics follow the Dockerfile reference.
 */

import { constants } from 'node:os';
import { posix } from 'node:path';
import { invalid } from '../../base/errors.ts';
import type { HealthConfig } from '../../base/wire/index.ts';
import type { ImageRunConfig } from '../../runtime/registry/descriptor.ts';
import { expandWord, type Lookup, splitWords } from './words.ts';

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** A config while instructions are applied to it. */
export interface ConfigDraft {
  config: ImageRunConfig;
  /** a CMD in the same changes stays when an ENTRYPOINT follows; an inherited one does not */
  cmdSet: boolean;
  /** variables beside those of the config, which come first */
  lookup?: Lookup;
  /** of the Dockerfile; default `\` */
  escapeChar?: string;
}

type Instruction = (draft: ConfigDraft, rest: string) => void;

/**
 * Applies instructions, several lines or several strings, to a copy of `config`.
 *
 * @throws `invalid`, naming the instruction
 */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  const draft: ConfigDraft = { config: structuredClone(config), cmdSet: false };
  for (const line of logicalLines(changes.join('\n'))) {
    const [, name, rest] = /^(\S+)\s*(.*)$/s.exec(line)!;
    if (!applyInstruction(draft, name!, rest!.trim())) {
      throw invalid(`${name!.toLowerCase()} is not a valid change command`);
    }
  }
  return draft.config;
}

/**
 * Applies one instruction that changes nothing but the config; false when `name` is not of these.
 *
 * @throws `invalid`, naming the instruction
 */
export function applyInstruction(draft: ConfigDraft, name: string, rest: string): boolean {
  const instruction = INSTRUCTIONS[name.toLowerCase()];
  if (instruction === undefined) return false;
  if (rest === '') throw invalid(`${name.toUpperCase()} requires at least one argument`);
  instruction(draft, rest);
  return true;
}

/** Lines without comments, blank ones left out, those ending in a backslash joined with the next. */
function logicalLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\[ \t]*\n/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

const INSTRUCTIONS: Readonly<Record<string, Instruction>> = {
  cmd: (draft, rest) => {
    draft.config.Cmd = commandOf(draft, rest);
    draft.cmdSet = true;
  },
  entrypoint: (draft, rest) => {
    draft.config.Entrypoint = commandOf(draft, rest);
    if (!draft.cmdSet) delete draft.config.Cmd;
  },
  env: (draft, rest) => {
    const environment = [...(draft.config.Env ?? [])];
    for (const [name, value] of expandPairs(draft, 'ENV', rest)) {
      const index = environment.findIndex((line) => line.startsWith(`${name}=`));
      if (index === -1) environment.push(`${name}=${value}`);
      else environment[index] = `${name}=${value}`;
    }
    draft.config.Env = environment;
  },
  label: (draft, rest) => {
    draft.config.Labels = {
      ...draft.config.Labels,
      ...Object.fromEntries(expandPairs(draft, 'LABEL', rest)),
    };
  },
  expose: (draft, rest) => {
    const ports = { ...draft.config.ExposedPorts };
    for (const word of splitWords(rest, draft.escapeChar)) {
      for (const port of portsOf(expand(draft, word))) ports[port] = {};
    }
    draft.config.ExposedPorts = ports;
  },
  volume: (draft, rest) => {
    const volumes = { ...draft.config.Volumes };
    for (const word of jsonWords(rest) ?? splitWords(rest, draft.escapeChar)) {
      const path = expand(draft, word).trim();
      if (path === '') throw invalid('VOLUME specified can not be an empty string');
      volumes[path] = {};
    }
    draft.config.Volumes = volumes;
  },
  user: (draft, rest) => {
    draft.config.User = expand(draft, oneWord(draft, 'USER', rest));
  },
  workdir: (draft, rest) => {
    draft.config.WorkingDir = posix.resolve('/', draft.config.WorkingDir ?? '', expand(draft, rest));
  },
  stopsignal: (draft, rest) => {
    const signal = expand(draft, oneWord(draft, 'STOPSIGNAL', rest));
    if (!isSignal(signal)) throw invalid(`invalid signal: ${signal}`);
    draft.config.StopSignal = signal;
  },
  onbuild: (draft, rest) => {
    const trigger = /^\S+/.exec(rest)![0].toUpperCase();
    if (trigger === 'ONBUILD') throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (trigger === 'MAINTAINER' || trigger === 'FROM')
      throw invalid(`${trigger} isn't allowed as an ONBUILD trigger`);
    draft.config.OnBuild = [...(draft.config.OnBuild ?? []), rest];
  },
  healthcheck: (draft, rest) => {
    draft.config.Healthcheck = healthcheckOf(draft, rest);
  },
};

/** A word of an instruction with its variables put in. */
export function expand({ config, lookup, escapeChar }: ConfigDraft, word: string): string {
  const find = (name: string) =>
    config.Env?.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? lookup?.(name);
  return expandWord(word, find, escapeChar);
}

/** `["a", "b"]` as it is; anything else is a line for the shell. */
export function commandOf({ config }: ConfigDraft, rest: string): string[] {
  return jsonWords(rest) ?? [...(config.Shell ?? DEFAULT_SHELL), rest];
}

/** The strings of a JSON list; undefined for anything else, which is then taken as plain text. */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((word) => typeof word === 'string')) return list as string[];
  } catch {
    // Docker falls back to the shell form as well.
  }
  return undefined;
}

/** `a=b c="d e"`, or the old form `name all the rest` */
export function expandPairs(draft: ConfigDraft, instruction: string, rest: string): Array<[string, string]> {
  const words = splitWords(rest, draft.escapeChar);
  if (!words[0]!.includes('=')) {
    const [, name, value] = /^(\S+)\s+(.+)$/s.exec(rest) ?? [];
    if (name === undefined) throw invalid(`${instruction} must have two arguments`);
    return [[expand(draft, name), expand(draft, value!)]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals === -1) {
      throw invalid(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    }
    const name = expand(draft, word.slice(0, equals));
    if (name === '') throw invalid(`${instruction} names can not be blank`);
    return [name, expand(draft, word.slice(equals + 1))];
  });
}

function oneWord(draft: ConfigDraft, instruction: string, rest: string): string {
  if (splitWords(rest, draft.escapeChar).length !== 1)
    throw invalid(`${instruction} requires exactly one argument`);
  return rest;
}

/** `80`, `80/udp`, `8000-8010/tcp` as `port/protocol` */
function portsOf(text: string): string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  if (match === null || first < 1 || last > 65535 || last < first) {
    throw invalid(`invalid containerPort: ${text}`);
  }
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

/** A number from 1 to 64, or a name with or without SIG; real-time signals as `RTMIN+3`. */
function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64;
  const name = text.toUpperCase().replace(/^SIG/, '');
  return `SIG${name}` in constants.signals || /^RT(MIN(\+\d{1,2})?|MAX(-\d{1,2})?)$/.test(name);
}

const HEALTH_DURATIONS: Readonly<Record<string, 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval'>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

function healthcheckOf(_draft: ConfigDraft, rest: string): HealthConfig {
  const health: HealthConfig = {};
  let text = rest;
  for (;;) {
    const match = /^--([a-z-]+)=(\S+)\s*/.exec(text);
    if (match === null) break;
    const [whole, name, value] = match;
    text = text.slice(whole.length);
    const member = HEALTH_DURATIONS[name!];
    if (member !== undefined) health[member] = durationOf(value!);
    else if (name === 'retries' && /^\d+$/.test(value!)) health.Retries = Number(value);
    else throw invalid(`HEALTHCHECK: bad option --${name}=${value}`);
  }
  const [, type, command] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  if (type?.toUpperCase() === 'NONE') {
    if (command !== '') throw invalid('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  if (type?.toUpperCase() !== 'CMD') {
    throw invalid(`unknown type "${type ?? ''}" in HEALTHCHECK (try CMD)`);
  }
  if (command === '') throw invalid('missing command after HEALTHCHECK CMD');
  const words = jsonWords(command!);
  health.Test = words === undefined ? ['CMD-SHELL', command!] : ['CMD', ...words];
  return health;
}

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** A Go duration (`1m30s`) in nanoseconds; 0, or at least a millisecond. */
function durationOf(text: string): number {
  let total = 0;
  const pieces = text.match(/\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)/g);
  if (text !== '0' && (pieces === null || pieces.join('') !== text))
    throw invalid(`invalid duration "${text}"`);
  for (const piece of pieces ?? []) {
    const [, amount, unit] = /^([\d.]+)(\D+)$/.exec(piece)!;
    total += Number(amount) * NANOSECONDS[unit!]!;
  }
  if (total !== 0 && total < 1e6) throw invalid(`duration "${text}" cannot be less than 1ms`);
  return Math.round(total);
}
