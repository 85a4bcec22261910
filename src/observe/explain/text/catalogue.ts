/**
 * Everything that `rules` and `why` say, as one type that each language fills in: a sentence without a translation does not compile.
 * Names that are filled in stand before a noun in Korean ("web 컨테이너"), so that particles fit whatever they are.
 */

import type { NameQuestion } from '../../../base/name-question.ts';
import type { SentenceKey } from '../../../network/firewall/index.ts';
import type { Hook } from '../../packet/rulebook.ts';
import type { Loss } from '../losses.ts';

/** A stretch of a sentence about packets: `from 10.0.0.0/8`, and its opposite. */
type Phrase = (value: string, negated: boolean) => string;

export interface Catalogue {
  /** Why rules of the engine are there; `{…}` are filled in. */
  readonly sentences: Readonly<Record<SentenceKey, string>>;
  readonly without: Readonly<Record<Loss, string>>;
  readonly words: {
    readonly everyAddress: string;
    readonly host: string;
    readonly outside: string;
    readonly everyNetwork: string;
    readonly user: string;
    readonly or: string;
    container(name: string): string;
    network(name: string): string;
    portOf(port: string, container: string): string;
    linkOf(client: string, server: string): string;
    kernelDefault(): string;
    setting(name: string): string;
    interface(name: string): string;
    service(container: string): string;
    nameServer(address: string): string;
    /** `upstreams`: whom it asks itself. */
    embeddedResolver(address: string, upstreams: readonly string[]): string;
  };
  /** When the kernel asks the chains of a hook. */
  readonly hooks: Readonly<Record<Hook, string>>;
  /** Rules that the engine did not write, from what they ask and do. */
  readonly foreign: {
    readonly source: Phrase;
    readonly destination: Phrase;
    readonly sourcePort: Phrase;
    readonly destinationPort: Phrase;
    readonly protocol: Phrase;
    readonly input: Phrase;
    readonly output: Phrase;
    readonly state: Phrase;
    readonly originalPort: Phrase;
    readonly marked: Phrase;
    readonly local: Phrase;
    readonly set: Phrase;
    /** Anything else, in the rule's own words. */
    readonly other: Phrase;
    /** `packets from …, to …`; without phrases all of them. */
    packets(phrases: readonly string[]): string;
    accept(packets: string): string;
    drop(packets: string): string;
    reject(packets: string): string;
    leave(packets: string): string;
    ask(packets: string, chain: string): string;
    queue(packets: string): string;
    destinationBecomes(packets: string, to: string): string;
    sourceBecomes(packets: string, to: string): string;
    masquerade(packets: string): string;
    redirect(packets: string, port: string): string;
    mark(packets: string): string;
    notrack(packets: string): string;
    count(packets: string): string;
    look(packets: string, set: string): string;
    unknown(text: string): string;
  };
  readonly warnings: {
    dropsBefore(): string;
    acceptsBefore(): string;
    policyDrop(owner: string): string;
    foreignDrop(owner: string): string;
    userFirst(): string;
  };
  readonly steps: {
    name(name: string, address: string, network: string): string;
    nameByHand(address: string): string;
    nameInHosts(who: string, name: string, addresses: readonly string[]): string;
    nameAsked(who: string, server: string, name: string, answer: string): string;
    nameAnswer(answer: Pick<NameQuestion, 'outcome' | 'addresses' | 'detail'>): string;
    sent(where: string): string;
    entered(link: string): string;
    routeLocal(): string;
    route(link: string, via: string | undefined, prefix: string): string;
    rules(hook: string, count: number, bridged: boolean): string;
    noRules(hook: string): string;
    destination(from: string, to: string): string;
    source(from: string, to: string): string;
    back(from: string, to: string): string;
    wire(link: string, where: string, other: string): string;
    bridge(bridge: string, port: string): string;
    bridgeUp(bridge: string): string;
    proxy(target: string): string;
    socket(address: string, program: string | undefined): string;
    kernelAnswers(): string;
    answerArrives(): string;
    left(link: string): string;
    pausedAsker(): string;
    pausedTarget(): string;
    doubt(rule: string, because: string): string;
  };
  readonly legs: {
    there(from: string, to: string): string;
    back(from: string, to: string): string;
    proxied(to: string): string;
    /** The question for a name, to the server that was asked. */
    nameServer(from: string, server: string): string;
  };
  readonly headline: {
    yes(from: string, to: string, what: string): string;
    no(from: string, to: string, what: string): string;
    unknown(from: string, to: string, what: string): string;
  };
  readonly causes: {
    /** `where`: the container whose own rule it is; undefined for the host's. */
    rule(rule: string, owner: string, outcome: string, where: string | undefined): string;
    policy(chain: string, owner: string, where: string | undefined): string;
    iccOff(network: string): string;
    noCommonNetwork(from: string, to: string): string;
    internalNetwork(network: string): string;
    directAccess(container: string): string;
    ruleMissing(rule: string, why: string): string;
    notPublished(container: string, port: string): string;
    publishedOnLoopback(port: string): string;
    proxyGone(port: string): string;
    notRunning(container: string, state: string): string;
    /** `protocol`: in which it is asked. */
    paused(container: string, protocol: string): string;
    pausedAsker(container: string): string;
    /** `device`: of the host; `driver`: `macvlan`, `ipvlan`. */
    ownParent(device: string, driver: string, container: string): string;
    emptyNetwork(network: string): string;
    noFamily(who: string, family: number): string;
    noRoute(where: string, address: string): string;
    refusedRoute(where: string, address: string, type: string): string;
    forwardingOff(setting: string): string;
    reversePath(link: string, source: string, back: string | undefined): string;
    loopbackOutside(address: string, link: string): string;
    ownSource(address: string, link: string): string;
    linkDown(link: string, where: string): string;
    noCarrier(link: string, where: string): string;
    portBlocked(link: string, state: string): string;
    nobodyThere(address: string, link: string): string;
    hairpinOff(link: string): string;
    portsIsolated(link: string): string;
    noSocket(where: string, port: string): string;
    otherAddress(where: string, port: string, addresses: string): string;
    answerFromElsewhere(from: string, expected: string): string;
    answerToElsewhere(where: string): string;
    routeElsewhere(address: string, link: string, route: string): string;
    inAnswer(text: string): string;
    nameUnknown(name: string, server: string): string;
    /** `family` undefined: no address at all. */
    nameEmpty(name: string, family: number | undefined): string;
    nameBlocked(name: string, address: string): string;
    nameInternal(container: string): string;
    nameFails(name: string, server: string, answer: string): string;
    /** `why`: what keeps its server from being asked, a sentence. */
    nameUnasked(name: string, server: string, why: string): string;
    nameUnanswered(name: string, server: string): string;
    /** `server` is the engine's resolver, `upstream` the first of those that it asks. */
    nameUnforwarded(name: string, server: string, upstream: string): string;
    noNetwork(container: string): string;
    /** `where`: whoever has no way to those who ask, nor they to it. */
    noWayBack(where: string, address: string): string;
    addressGone(container: string, address: string): string;
    /** A network's bridge without its address, or down: its route went too. */
    bridgeGone(bridge: string, address: string, isUp: boolean): string;
    wrongNeighbour(address: string, mac: string, link: string): string;
    /** `veth`: the host's end of a container's pair. */
    detached(veth: string, container: string, bridge: string): string;
    /** `to`: where a rule of somebody's sends it. */
    sentElsewhere(rule: string, owner: string, to: string): string;
  };
  readonly remarks: {
    ruleMissing(rule: string, why: string): string;
    noNamesOnDefault(name: string): string;
    answerNeedsRoute(address: string): string;
    mtu(link: string, mtu: number, other: number): string;
    chosenPort(port: string): string;
    chosenContainer(container: string, network: string): string;
    bridgedUnfiltered(network: string): string;
    unread(what: string): string;
    paused(container: string): string;
    ownLoopback(container: string): string;
    /** Tables of families that are not followed: `netdev mine`. */
    unwalked(tables: readonly string[]): string;
    /** `what`: why it cannot be told. */
    hangsOn(what: string): string;
    nameOf(name: string, address: string): string;
    nameSlow(server: string): string;
    singleLabelStays(server: string): string;
  };
  readonly probe: {
    agrees(): string;
    differs(model: string, packet: string): string;
    cannot(why: string): string;
    legacy(): string;
    nothingSeen(): string;
    nothingToSend(): string;
    onlyTcpUdp(): string;
    outside(): string;
    /** What became of the packet as its sender saw it. */
    outcome(outcome: 'connected' | 'refused' | 'silent'): string;
    dropped(rule: string): string;
    undecided(packet: string): string;
  };
}
