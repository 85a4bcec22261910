/** A rule of `iptables-save` as steps of the model. */

import { Ip } from '../../../base/ip.ts';
import { ruleWords } from '../../../kernel/iptables/index.ts';
import type { Condition } from '../condition.ts';
import type { NatTarget, Step, Verdict } from '../rulebook.ts';
import { numberSpan } from '../spans.ts';
import { MODULES, type Option, PLAIN } from './matches.ts';

/** Targets that decide nothing about the way of a packet. */
const NOTES = new Set([
  ...[
    'LOG',
    'NFLOG',
    'ULOG',
    'TRACE',
    'AUDIT',
    'TCPMSS',
    'TCPOPTSTRIP',
    'TOS',
    'DSCP',
    'ECN',
    'TTL',
    'HL',
    'CHECKSUM',
  ],
  ...['CLASSIFY', 'SET', 'RATEEST', 'IDLETIMER', 'LED', 'SECMARK', 'CONNSECMARK', 'HMARK'],
]);

export interface ReadRule {
  readonly steps: readonly Step[];
  readonly comment?: string;
}

/** @param spec what follows the chain's name: `-d 172.17.0.2/32 -j ACCEPT` */
export function readIptablesRule(spec: string, isChain: (name: string) => boolean): ReadRule {
  const words = ruleWords(spec);
  const steps: Step[] = [];
  let comment: string | undefined;
  let module = '';
  let opaque: string[] = [];
  const endOpaque = () => {
    if (opaque.length > 0) steps.push(match({ kind: 'opaque', text: opaque.join(' '), negated: false }));
    opaque = [];
  };
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? '';
    if (word === '-m') {
      endOpaque();
      module = words[at + 1] ?? '';
      const next = words[at + 2];
      // A module without options asks by itself: `-m socket`.
      const alone = next === undefined || (next.startsWith('-') && !next.startsWith('--'));
      if (module === 'rpfilter') steps.push(match(reversePath(words.slice(at + 2))));
      else if (!(module in MODULES) || (alone && !isSilent(module))) opaque = ['-m', module];
      at += 2;
      continue;
    }
    if (word === '-j' || word === '-g') {
      endOpaque();
      steps.push(target(word, words.slice(at + 1), isChain));
      break;
    }
    const option = readOption(words, at);
    at += option.length;
    if (module === 'rpfilter' && option.name.startsWith('--')) continue;
    if (module === 'comment' && option.name === '--comment') comment = option.values[0];
    const read = PLAIN[option.name] ?? MODULES[module]?.[option.name];
    const condition = read?.(option);
    if (condition === undefined) {
      if (opaque.length === 0) opaque = option.name.startsWith('--') && module !== '' ? ['-m', module] : [];
      opaque.push(...words.slice(at - option.length, at));
      continue;
    }
    if (option.name in PLAIN) endOpaque();
    if (condition.kind === 'fields' && condition.fields.length === 0) continue;
    steps.push(match(condition));
  }
  endOpaque();
  return { steps, ...(comment === undefined ? {} : { comment }) };
}

const match = (condition: Condition): Step => ({ kind: 'match', condition });

/** Modules that ask nothing when they are named alone: `-m tcp` behind `-p tcp`. */
const isSilent = (module: string) => ['tcp', 'udp', 'sctp', 'icmp', 'icmp6', 'comment'].includes(module);

function readOption(words: readonly string[], at: number): Option & { length: number } {
  const negated = words[at] === '!';
  const start = negated ? at + 1 : at;
  const values: string[] = [];
  for (let index = start + 1; index < words.length; index++) {
    const word = words[index] ?? '';
    // The text of a comment may look like an option, and always is one word.
    if (values.length > 0 && words[start] === '--comment') break;
    if (words[start] !== '--comment' && (word === '!' || /^--?[a-z]/i.test(word))) break;
    values.push(word);
  }
  return { name: words[start] ?? '', values, negated, length: start - at + 1 + values.length };
}

/** `-m rpfilter --loose --invert`: whether the route back leaves by the interface the packet came by. */
function reversePath(rest: readonly string[]): Condition {
  const options: string[] = [];
  for (const word of rest) {
    if (!word.startsWith('--')) break;
    options.push(word);
  }
  const written = ['-m rpfilter', ...options].join(' ');
  // Loosely, any interface will do: the model does not tell those apart.
  if (options.includes('--loose')) return { kind: 'opaque', text: written, negated: false };
  return {
    kind: 'fields',
    fields: ['reverse-path'],
    test: { kind: 'in', entries: [[numberSpan(1)]] },
    negated: options.includes('--invert'),
    text: written,
  };
}

function target(
  flag: string,
  [name = '', ...rest]: readonly string[],
  isChain: (name: string) => boolean,
): Step {
  const option = (wanted: string) => {
    const at = rest.indexOf(wanted);
    return at < 0 ? undefined : rest[at + 1];
  };
  const verdict = (value: Verdict): Step => ({ kind: 'verdict', verdict: value });
  if (isChain(name)) return verdict({ kind: flag === '-g' ? 'goto' : 'jump', chain: name });
  const text = [name, ...rest].join(' ');
  switch (name) {
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
      return verdict({ kind: name.toLowerCase() as 'accept' | 'drop' | 'return' });
    case 'QUEUE':
    case 'NFQUEUE':
      return verdict({ kind: 'queue' });
    case 'REJECT':
      return verdict({ kind: 'reject', with: option('--reject-with') ?? '' });
    case 'DNAT':
      return translate('destination', 'dnat', natTarget(option('--to-destination')));
    case 'SNAT':
      return translate('source', 'snat', natTarget(option('--to-source')));
    case 'MASQUERADE':
      return translate('source', 'masquerade', portTarget(option('--to-ports')));
    case 'REDIRECT':
      return translate('destination', 'redirect', portTarget(option('--to-ports')));
    case 'MARK':
    case 'CONNMARK': {
      const [value, mask] = (option('--set-xmark') ?? option('--set-mark') ?? '').split('/');
      if (value === undefined || value === '') return { kind: 'opaque', text };
      return {
        kind: 'mark',
        what: name === 'MARK' ? 'packet' : 'connection',
        value: Number(value),
        mask: mask === undefined ? 0xffffffff : Number(mask),
      };
    }
    case 'NOTRACK':
      return { kind: 'notrack' };
    case 'CT':
      return rest.includes('--notrack') ? { kind: 'notrack' } : { kind: 'note', text };
    default:
      return NOTES.has(name) ? { kind: 'note', text } : { kind: 'opaque', text };
  }
}

function translate(
  what: 'destination' | 'source',
  how: 'dnat' | 'snat' | 'masquerade' | 'redirect',
  to: NatTarget | undefined,
): Step {
  return to === undefined
    ? { kind: 'opaque', text: how.toUpperCase() }
    : { kind: 'translate', what, how, to };
}

/** `172.17.0.2:80`, `[fd00::2]:80`, `172.17.0.2`, `10.0.0.1-10.0.0.9:80-90`, `172.17.0.2:3000-3009/2000`. */
function natTarget(text: string | undefined): NatTarget | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d+)(?:-(\d+))?(?:\/\d+)?)?$/.exec(text ?? '');
  const plain = /^([0-9.]+(?:-[0-9.]+)?)?(?::(\d+)(?:-(\d+))?(?:\/\d+)?)?$/.exec(text ?? '');
  const [, addresses, port, portEnd] = bracketed ?? plain ?? [undefined, text];
  const [address, addressEnd] = (addresses ?? '').split('-');
  if (address && Ip.tryParse(address) === undefined) return undefined;
  return {
    ...(address ? { address } : {}),
    ...(addressEnd ? { addressEnd } : {}),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(portEnd === undefined ? {} : { portEnd: Number(portEnd) }),
  };
}

function portTarget(text: string | undefined): NatTarget {
  const [port, portEnd] = (text ?? '').split('-');
  return {
    ...(port ? { port: Number(port) } : {}),
    ...(portEnd ? { portEnd: Number(portEnd) } : {}),
  };
}
