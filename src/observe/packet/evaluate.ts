/**
 * A packet in front of the chains of one hook: which rules match, what they do to it, and what becomes of it. A rule that cannot be
 * decided is passed over and remembered, with what it would have done; the caller then knows how sure the answer is.
 */

import { Ip } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';
import { evaluate, fieldValue, findEntry, type Span, type Surroundings } from './condition.ts';
import { copyPacket, type Packet, type Side } from './packet.ts';
import {
  chainsAt,
  type Hook,
  type NatTarget,
  type Rule,
  type Rulebook,
  type RuleChain,
  type Step,
  type Verdict,
} from './rulebook.ts';

export type Outcome = 'accept' | 'drop' | 'reject' | 'queue';

/** A rule that matched. */
export interface Hit {
  readonly rule: Rule;
  /** Absent where it only counted, logged or marked. */
  readonly verdict?: Verdict;
  /** What it made of the packet. */
  readonly translated?: Translation;
}

export interface Translation {
  readonly what: 'destination' | 'source';
  readonly from: Side;
  readonly to: Side;
}

/** A rule that could not be decided, and what it would do if it matched. */
export interface Doubt {
  readonly rule: Rule;
  readonly would: Outcome | 'translate' | 'unknown';
  /** The part of the rule that cannot be decided. */
  readonly because: string;
}

export interface HookResult {
  readonly outcome: Outcome;
  /** The rule that decided, or the chain whose policy did; absent where everything was passed. */
  readonly by?: { readonly rule: Rule } | { readonly policyOf: RuleChain };
  readonly hits: readonly Hit[];
  readonly doubts: readonly Doubt[];
}

export interface HookContext extends Surroundings {
  /** The address that masquerading chooses on the way out by this interface. */
  sourceFor(packet: Packet): Ip | undefined;
  /** Where `redirect` leads: the first address of the interface, or loopback for what is sent here. */
  redirectTo(packet: Packet): Ip | undefined;
}

/** `NF_IP_PRI_NAT_DST = -100`, `NF_IP_PRI_NAT_SRC = 100` (linux/netfilter_ipv4.h) */
const DESTINATION = -100;
const SOURCE = 100;
/** A chain that calls itself is refused by the kernel; this ends whatever a broken reading would make endless. */
const MAX_DEPTH = 64;

/**
 * Asks the chains of a hook whose priority is within `from` and `to`.
 *
 * Chains of type nat are asked once in a connection's life, and the first that translates has the word for all of them.
 */
export function runHook(
  book: Rulebook,
  hook: Hook,
  packet: Packet,
  context: HookContext,
  range: { from?: number; to?: number } = {},
): HookResult {
  const hits: Hit[] = [];
  const doubts: Doubt[] = [];
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = range;
  const side = hook === 'prerouting' || hook === 'output' ? 'destination' : 'source';
  for (const chain of chainsAt(book, hook, packet.family)) {
    const { type, priority, policy } = chain.base;
    if (priority < from || priority > to) continue;
    if (type === 'nat' && !wantsTranslation(packet, side)) continue;
    const run = new ChainRun(packet, context, hits, doubts);
    const result = run.base(chain);
    if (result.kind === 'decided' && result.outcome !== 'accept') {
      return {
        outcome: result.outcome,
        by: { rule: result.rule },
        hits,
        doubts: relevant(doubts, result.outcome),
      };
    }
    if (type === 'nat' && result.kind === 'decided' && packet.connection !== undefined) {
      // Decided without a translation: another table's nat chain is still asked.
      if (run.translated) packet.connection.asked[side] = true;
    }
    if (result.kind === 'passed' && policy === 'drop') {
      return { outcome: 'drop', by: { policyOf: chain }, hits, doubts: relevant(doubts, 'drop') };
    }
  }
  // Whatever was found: the kernel binds the connection to it, and does not ask again.
  const asksForSide = side === 'destination' ? to >= DESTINATION : hook !== 'forward' && to >= SOURCE;
  if (packet.connection !== undefined && asksForSide) packet.connection.asked[side] = true;
  return { outcome: 'accept', hits, doubts: relevant(doubts, 'accept') };
}

function wantsTranslation(packet: Packet, side: 'source' | 'destination'): boolean {
  const { connection, direction } = packet;
  return (
    connection !== undefined &&
    direction === 'original' &&
    !connection.untracked &&
    !connection.invalid &&
    !connection.asked[side]
  );
}

/** Doubts about what came out anyway are none. */
function relevant(doubts: readonly Doubt[], outcome: Outcome): Doubt[] {
  return doubts.filter(({ would }) => would !== outcome);
}

type Result =
  | { readonly kind: 'decided'; readonly outcome: Outcome; readonly rule: Rule }
  | { readonly kind: 'passed' };
const PASSED: Result = { kind: 'passed' };

class ChainRun {
  readonly #packet: Packet;
  readonly #context: HookContext;
  readonly #hits: Hit[];
  readonly #doubts: Doubt[];
  translated = false;

  constructor(packet: Packet, context: HookContext, hits: Hit[], doubts: Doubt[]) {
    this.#packet = packet;
    this.#context = context;
    this.#hits = hits;
    this.#doubts = doubts;
  }

  base(chain: RuleChain): Result {
    return this.#chain(chain, 0);
  }

  #chain(chain: RuleChain, depth: number): Result {
    if (depth > MAX_DEPTH) return PASSED;
    for (const rule of chain.rules) {
      const done = this.#rule(rule, depth);
      if (done === 'return') return PASSED;
      if (done !== undefined) return done;
    }
    return PASSED;
  }

  /** Undefined: on to the next rule. */
  #rule(rule: Rule, depth: number): Result | 'return' | undefined {
    for (const [index, step] of rule.steps.entries()) {
      if (step.kind === 'match') {
        const matches = evaluate(step.condition, this.#packet, this.#context);
        if (matches === undefined) {
          this.#doubt(rule, index, step.condition.text, depth);
          return undefined;
        }
        if (!matches) return undefined;
        continue;
      }
      const done = this.#act(rule, step, index, depth);
      if (done === 'no-match') return undefined;
      if (done !== undefined) return done;
    }
    // Matched to its end without a verdict: it counted, logged or marked.
    if (!this.#hits.some((hit) => hit.rule === rule)) this.#hits.push({ rule });
    return undefined;
  }

  #act(rule: Rule, step: Step, index: number, depth: number): Result | 'return' | 'no-match' | undefined {
    const packet = this.#packet;
    switch (step.kind) {
      case 'verdict':
        return this.#verdict(rule, step.verdict, depth);
      case 'verdict-map': {
        if (step.only?.family !== undefined && step.only.family !== packet.family) return 'no-match';
        const { found, index: at } = this.#lookUp(step);
        const verdict = step.verdicts[at];
        if (found === undefined) this.#doubt(rule, index, step.set ?? 'a map', depth);
        return found && verdict !== undefined ? this.#verdict(rule, verdict, depth) : 'no-match';
      }
      case 'translate':
        if (step.only?.family !== undefined && step.only.family !== packet.family) return 'no-match';
        return this.#translate(rule, step.what, step.how, step.to);
      case 'translate-map': {
        if (step.only?.family !== undefined && step.only.family !== packet.family) return 'no-match';
        const { found, index: at } = this.#lookUp(step);
        const target = step.targets[at];
        if (found === undefined) this.#doubt(rule, index, step.set ?? 'a map', depth);
        return found && target !== undefined
          ? this.#translate(rule, step.what, step.how, target)
          : 'no-match';
      }
      case 'mark':
        if (step.what === 'packet') packet.mark = ((packet.mark & ~step.mask) | step.value) >>> 0;
        else if (packet.connection !== undefined) {
          packet.connection.mark = ((packet.connection.mark & ~step.mask) | step.value) >>> 0;
        }
        return undefined;
      case 'rewrite': {
        const from = packet[step.what];
        const to: Side = {
          ip: step.to.address === undefined ? from.ip : Ip.parse(step.to.address),
          port: step.to.port ?? from.port,
        };
        packet[step.what] = to;
        this.#hits.push({ rule, translated: { what: step.what, from, to } });
        return undefined;
      }
      case 'notrack':
        if (packet.connection !== undefined) packet.connection.untracked = true;
        return undefined;
      case 'opaque':
        this.#doubts.push({ rule, would: 'unknown', because: step.text });
        return 'no-match';
      default:
        // The compiler knows this as a note.
        return undefined;
    }
  }

  #lookUp(step: Extract<Step, { kind: 'verdict-map' | 'translate-map' }>) {
    const values = step.fields.map((field) => fieldValue(field, this.#packet, this.#context));
    return findEntry(step.entries as ReadonlyArray<readonly Span[]>, values);
  }

  #verdict(rule: Rule, verdict: Verdict, depth: number): Result | 'return' | undefined {
    this.#hits.push({ rule, verdict });
    switch (verdict.kind) {
      case 'continue':
        return undefined;
      case 'return':
        return 'return';
      case 'jump':
      case 'goto': {
        const target = rule.table.chains.get(verdict.chain);
        const result = target === undefined ? PASSED : this.#chain(target, depth + 1);
        if (result.kind === 'decided') return result;
        return verdict.kind === 'goto' ? 'return' : undefined;
      }
      default:
        return { kind: 'decided', outcome: verdict.kind, rule };
    }
  }

  #translate(
    rule: Rule,
    what: 'destination' | 'source',
    how: 'dnat' | 'snat' | 'masquerade' | 'redirect',
    to: NatTarget,
  ): Result | undefined {
    const packet = this.#packet;
    const from = packet[what];
    const address =
      how === 'masquerade'
        ? this.#context.sourceFor(packet)
        : how === 'redirect'
          ? this.#context.redirectTo(packet)
          : targetAddress(to, from.ip);
    const side: Side = {
      ip: address ?? from.ip,
      port: packet.protocol === 'icmp' ? 0 : targetPort(to, from.port),
    };
    packet[what] = side;
    if (packet.connection !== undefined) packet.connection.translated[what] = side;
    this.translated = true;
    this.#hits.push({ rule, translated: { what, from, to: side } });
    return { kind: 'decided', outcome: 'accept', rule };
  }

  /** Tries the rest of the rule on a copy, to learn what it would do. */
  #doubt(rule: Rule, index: number, because: string, depth: number): void {
    const rest: Rule = { ...rule, steps: rule.steps.slice(index + 1) };
    const trial = new ChainRun(copyPacket(this.#packet), this.#context, [], []);
    const result = depth > MAX_DEPTH ? undefined : trial.#rule(rest, depth + 1);
    if (result === undefined || result === 'return' || result.kind === 'passed') return;
    this.#doubts.push({ rule, because, would: trial.translated ? 'translate' : result.outcome });
  }
}

function targetAddress(to: NatTarget, from: Ip): Ip | undefined {
  if (to.prefix !== undefined) {
    const prefix = Prefix.parse(to.prefix);
    return prefix.family === from.family ? prefix.at(from.value % prefix.size) : undefined;
  }
  return to.address === undefined ? undefined : Ip.parse(to.address);
}

/** Within a range, the port that the packet has already is kept. */
function targetPort(to: NatTarget, port: number): number {
  if (to.port === undefined) return port;
  const end = to.portEnd ?? to.port;
  return port >= to.port && port <= end ? port : to.port;
}
