/** Names that the engine does not know: who is asked for their addresses, which one is taken, and what a failure comes from. */

import { invalid, notFound } from '../../../base/errors.ts';
import { Ip, type IpFamily } from '../../../base/ip.ts';
import type { NameQuestion } from '../../../base/name-question.ts';
import type { WhyStep } from '../../../base/wire/index.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { TopologyRecords } from '../../topology/records.ts';
import type { NameResolution, NameServer, ResolveName } from '../names.ts';
import type { Catalogue } from '../text/index.ts';
import { closedNetwork } from './obstacles.ts';
import {
  addressParty,
  endpointsOf,
  namespaceOf,
  networkOwner,
  type Party,
  unknownParty,
  usesHost,
} from './parties.ts';

/** The host, as the one who asks name servers. */
export const BY_HOST: Party = { view: { kind: 'host', asked: HOST } };

export interface ResolveOptions {
  readonly records: TopologyRecords;
  readonly resolve: ResolveName;
  readonly family: IpFamily | undefined;
  /** Of refusals. */
  readonly text: Catalogue;
}

/**
 * The end that asks, with the address that its name stands for by the host's name servers; of anything but a name as it is.
 *
 * @throws `not-found` when it stands for none
 */
export async function resolveAsking(party: Party, options: ResolveOptions): Promise<Party> {
  const { name } = party;
  if (name === undefined) return party;
  // A container that is misspelt, most likely.
  if (isSingleLabel(name.text)) throw notFound(unknownParty(party.view.asked));
  const resolved = await resolveAsked(party, BY_HOST, options);
  if (resolved.ip === undefined) throw notFound(refusal(resolved, BY_HOST, options));
  return resolved;
}

/**
 * The end that is asked for, with the address that its name stands for where `asking` is; of anything but a name as it is. Without an
 * address (`ip`) its resolution says why. Where nobody runs who could ask, nobody is asked.
 *
 * @throws `invalid` when nobody knows whom `asking` asks, `not-found` for one word that is no name either
 */
export async function resolveAsked(party: Party, asking: Party, options: ResolveOptions): Promise<Party> {
  const { records, resolve, family } = options;
  const { name } = party;
  if (name === undefined) return party;
  const { container } = asking;
  const isHere = container !== undefined || asking.view.kind === 'host';
  if (!isHere && asking.view.kind === 'network') return party;
  if (!isHere) {
    throw invalid(
      `${name.text}: which name servers ${asking.view.asked} asks, and what they answer, is not known here: give the address, or ask from a container or from host`,
    );
  }
  if (container !== undefined && namespaceOf(container, records) === undefined) return party;
  const resolution = await resolve(container, name.text);
  const resolved = { ...party, name: { ...name, resolution } };
  const address = chooseAddress(resolution.addresses, asking, records, family);
  if (address !== undefined) {
    const ip = Ip.parse(address);
    return { ...resolved, ...addressParty(party.view, ip, records) };
  }
  if (resolution.addresses.length === 0 && isSingleLabel(name.text)) {
    throw notFound(refusal(resolved, asking, options));
  }
  return resolved;
}

const isSingleLabel = (name: string) => !name.replace(/\.$/, '').includes('.');

/** IPv4 goes first, where the asker has it. */
function chooseAddress(
  addresses: readonly string[],
  { container }: Party,
  records: TopologyRecords,
  family: IpFamily | undefined,
): string | undefined {
  const owner = container && networkOwner(container, records);
  const endpoints = owner === undefined || usesHost(owner, records) ? [] : endpointsOf(owner);
  const hasOnly6 = endpoints.length > 0 && endpoints.every(({ v4 }) => v4 === undefined);
  const order: readonly IpFamily[] = family !== undefined ? [family] : hasOnly6 ? [6, 4] : [4, 6];
  for (const wanted of order) {
    const found = addresses.find((address) => Ip.parse(address).family === wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What is wrong with a name that has no address to send to. */
export type NameFault =
  | { readonly kind: 'name-unknown'; readonly server: string | undefined }
  /** The name is there, without an address of this family; `undefined`: of any. */
  | { readonly kind: 'name-empty'; readonly family: IpFamily | undefined }
  /** An address that nobody has: so do servers answer that are to block a name. */
  | { readonly kind: 'name-blocked'; readonly address: string }
  /** The engine's resolver asks nobody outside on behalf of closed networks. */
  | { readonly kind: 'name-internal' }
  | { readonly kind: 'name-unanswered'; readonly question: NameQuestion };

/** @returns `undefined` when there is an address, or nobody was asked */
export function nameFault(
  { name, ip }: Party,
  asking: Party,
  records: TopologyRecords,
  family: IpFamily | undefined,
): NameFault | undefined {
  const resolution = name?.resolution;
  const last = resolution?.questions.at(-1);
  if (resolution === undefined || last === undefined) return undefined;
  if (ip !== undefined) {
    const isNobody = ip.isUnspecified || ip.isMulticast;
    return isNobody ? { kind: 'name-blocked', address: ip.toString() } : undefined;
  }
  if (resolution.addresses.length > 0) return { kind: 'name-empty', family };
  if (isInternal(resolution, asking, records) && last.outcome !== 'silent') return { kind: 'name-internal' };
  if (last.outcome === 'unknown') {
    return { kind: 'name-unknown', server: resolution.questions.find(({ server }) => server)?.server };
  }
  if (last.outcome === 'empty') return { kind: 'name-empty', family: undefined };
  return { kind: 'name-unanswered', question: firstFailed(resolution) ?? last };
}

function isInternal({ embedded }: NameResolution, { container }: Party, records: TopologyRecords): boolean {
  const owner = container && networkOwner(container, records);
  const closed = owner && endpointsOf(owner).length > 0 && closedNetwork(owner, records) !== undefined;
  return (
    embedded !== undefined && closed === true && !embedded.upstreams.some(({ from }) => from === 'container')
  );
}

/** Of the questions for the last name that was tried. */
function firstFailed({ questions }: NameResolution): NameQuestion | undefined {
  return questions.find(({ name, outcome }) => name === questions.at(-1)?.name && outcome !== 'unknown');
}

/**
 * The server whose silence or failure is to be explained, and who asks it: of the engine's resolver the first of those that it asks
 * itself, as far as it answers that it got no answer. `undefined` where it did answer, and somebody else's settings decide.
 */
export function serverToExplain(
  { server, outcome }: NameQuestion,
  resolution: NameResolution,
): NameServer | undefined {
  const { embedded } = resolution;
  if (server === undefined) return undefined;
  const [first] = embedded?.upstreams ?? [];
  if (embedded?.address === server && outcome !== 'unreachable') return first;
  return outcome === 'failed' ? undefined : { address: server, from: 'container' };
}

/** Every question, with its answer. */
export function nameSteps({ name }: Party, { container }: Party, text: Catalogue): WhyStep[] {
  const { words, steps } = text;
  const where = container?.name ?? HOST;
  const who = container === undefined ? words.host : words.container(container.name);
  const resolution = name?.resolution;
  if (resolution === undefined) return [];
  return resolution.questions.map((question) => ({
    kind: 'name',
    where,
    ...(container === undefined ? {} : { containerId: container.id }),
    text:
      question.server === undefined
        ? steps.nameInHosts(who, question.name, question.addresses)
        : steps.nameAsked(
            who,
            serverText(question.server, resolution, text),
            question.name,
            steps.nameAnswer(question),
          ),
    ok: question.outcome === 'found',
  }));
}

/** `name server 10.0.0.53`, `the engine's resolver (127.0.0.11), which asks 10.0.0.53`. */
export function serverText(
  server: string,
  resolution: NameResolution | undefined,
  { words }: Catalogue,
): string {
  const embedded = resolution?.embedded;
  if (embedded?.address !== server) return words.nameServer(server);
  return words.embeddedResolver(
    server,
    embedded.upstreams.map(({ address }) => address),
  );
}

/** For one who misspelt a container, and for one who meant a name of the outside. */
function refusal(party: Party, asking: Party, { records, family, text }: ResolveOptions): string {
  const { resolution } = party.name ?? {};
  const isKept = resolution?.embedded?.asksSingleLabels === false && isSingleLabel(party.name?.text ?? '');
  const fault = nameFault(party, asking, records, family);
  const said = nameSteps(party, asking, text).map(({ text: step }) => step);
  const why =
    fault?.kind === 'name-internal'
      ? [text.causes.nameInternal(asking.container?.name ?? '')]
      : isKept
        ? [text.remarks.singleLabelStays(resolution?.embedded?.address ?? '')]
        : [];
  return [`${unknownParty(party.view.asked)}.`, ...said, ...why].join(' ');
}
