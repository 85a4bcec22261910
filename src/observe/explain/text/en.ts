/** English. */

import { SENTENCES } from '../../../network/firewall/index.ts';
import type { Catalogue } from './catalogue.ts';

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const not = (negated: boolean, text: string) => (negated ? `not ${text}` : text);

export const en: Catalogue = {
  sentences: SENTENCES,
  without: {
    'user-say': 'Without it, your own rules in DOCKER-USER would not be asked.',
    apart: 'Without it, networks would reach each other.',
    crossing:
      'Without it, answers and packets for published ports could not cross from one network to another.',
    published: 'Without it, published ports would not be let in where what nobody accepts is dropped.',
    translated:
      'Without it, the port of the host would lead to the userland proxy only, and to nothing where that is off.',
    closed: 'Without it, the network would no longer be closed.',
    direct: 'Without it, a neighbour with a route could open connections to every port of the containers.',
    trusted: 'Without it, containers could not be addressed directly from that interface.',
    answers: 'Without it, containers would ask and get no answer where what nobody accepts is dropped.',
    outgoing: 'Without it, containers would not reach the world where what nobody accepts is dropped.',
    icc: 'Without it, containers of the network would not reach each other where what nobody accepts is dropped.',
    'icc-open': 'Without it, containers of the network would reach each other although icc is off.',
    source: 'Without it, packets would leave with an address that nobody outside can answer.',
    'local-source': 'Without it, the container would answer an address that it cannot reach.',
    hairpin: 'Without it, a container would not reach its own published port.',
    link: 'Without it, the linked container would not be reached.',
    loopback: 'Without it, neighbours could reach ports that are published for this host only.',
    proxy: 'Without it, the packet would be translated, and its answer would not come back the same way.',
    ping: 'Without it, containers of the network would not answer ping.',
    unprotected: 'Without it, only published ports of the network would be open.',
    nothing: 'Without it, nothing would change for packets.',
  },
  words: {
    everyAddress: 'every address of the host',
    host: 'the host',
    outside: 'the world',
    everyNetwork: 'every network',
    user: 'you, or a program that is not recognised',
    or: 'or',
    container: (name) => `container ${name}`,
    network: (name) => `network ${name}`,
    portOf: (port, container) => `port ${port} of container ${container}`,
    linkOf: (client, server) => `the link from ${client} to ${server}`,
    kernelDefault: () => 'the kernel’s default',
    setting: (name) => `setting ${name}`,
    interface: (name) => `interface ${name}`,
    service: (container) => `the service in container ${container}`,
    nameServer: (address) => `name server ${address}`,
    embeddedResolver: (address, upstreams) =>
      `the engine’s resolver (${address}${upstreams.length === 0 ? '' : `, which asks ${upstreams.join(', ')}`})`,
  },
  hooks: {
    ingress: 'As a packet comes off an interface, before everything else.',
    prerouting: 'As a packet comes in, before it is known where it goes.',
    input: 'A packet for this host itself.',
    forward: 'A packet that goes through this host, from one interface to another.',
    output: 'A packet that a program on this host sends.',
    postrouting: 'As a packet leaves, when it is known by which interface.',
  },
  foreign: {
    source: (value, negated) => not(negated, `from ${value}`),
    destination: (value, negated) => not(negated, `to ${value}`),
    sourcePort: (value, negated) => not(negated, `from port ${value}`),
    destinationPort: (value, negated) => not(negated, `for port ${value}`),
    protocol: (value, negated) => not(negated, `of protocol ${value}`),
    input: (value, negated) => `that come in ${not(negated, `by ${value}`)}`,
    output: (value, negated) => `that leave ${not(negated, `by ${value}`)}`,
    state: (value, negated) => `of connections that are ${not(negated, value)}`,
    originalPort: (value, negated) => `that were sent ${not(negated, `to port ${value}`)} at first`,
    marked: (value, negated) => not(negated, `with the mark ${value}`),
    local: (value, negated) => `whose ${not(negated, value)}`,
    set: (value, negated) => not(negated, `that are in the set ${value}`),
    other: (value, negated) => `for which ${not(negated, `"${value}"`)} holds`,
    packets: (phrases) => (phrases.length === 0 ? 'all packets' : `packets ${phrases.join(', ')}`),
    accept: (packets) => `Accepts ${packets}.`,
    drop: (packets) => `Drops ${packets}, without a word to the sender.`,
    reject: (packets) => `Refuses ${packets}, and tells the sender.`,
    leave: (packets) => `Leaves the chain for ${packets}: the rules after the jump go on.`,
    ask: (packets, chain) => `Has the chain ${chain} asked for ${packets}.`,
    queue: (packets) => `Hands ${packets} to a program, which decides.`,
    destinationBecomes: (packets, to) => `Sends ${packets} on to ${to}.`,
    sourceBecomes: (packets, to) => `Gives ${packets} the source ${to}.`,
    masquerade: (packets) => `Gives ${packets} the address of the interface by which they leave.`,
    redirect: (packets, port) =>
      `Sends ${packets} to this host itself${port === '' ? '' : `, port ${port}`}.`,
    mark: (packets) => `Marks ${packets}.`,
    notrack: (packets) => `Keeps ${packets} out of connection tracking: they are not translated.`,
    count: (packets) => `Counts or logs ${packets}, and decides nothing.`,
    look: (packets, set) => `Looks ${packets} up in ${set}, which decides.`,
    unknown: (text) => `Not understood: ${text}.`,
  },
  warnings: {
    dropsBefore: () => "It stands before the engine's rules: what it drops, no published port can let in.",
    acceptsBefore: () =>
      "It stands before the engine's rules: what it accepts, isolation between networks is not asked for.",
    policyDrop: (owner) =>
      `What no rule of this chain accepts is dropped (${owner}); the engine's rules elsewhere cannot let it in.`,
    foreignDrop: (owner) =>
      `It drops packets whatever other tables accept (${owner}): a drop is final, an accept is not.`,
    userFirst: () => 'It is asked before every rule of the engine, and decides.',
  },
  steps: {
    name: (name, address, network) => `The name ${name} means ${address}, on network ${network}.`,
    nameByHand: (address) => `It is sent to the address ${address}.`,
    nameInHosts: (who, name, addresses) =>
      `In /etc/hosts of ${who}, the name ${name} means ${addresses.join(', ')}.`,
    nameAsked: (who, server, name, answer) => `${capital(who)} asks ${server} for ${name}: ${answer}.`,
    nameAnswer: ({ outcome, addresses, detail }) =>
      ({
        found: addresses.join(', '),
        unknown: 'there is no such name',
        empty: 'the name has no address',
        failed: `it fails (${detail})`,
        silent: 'no answer',
        unreachable: `it cannot be asked (${detail})`,
      })[outcome],
    sent: (where) => `A program in ${where} sends it.`,
    entered: (link) => `It comes in from outside by ${link}.`,
    routeLocal: () => 'The routing table says: it is for here.',
    route: (link, via, prefix) =>
      `The routing table (${prefix}) says: by ${link}${via === undefined ? ', to the neighbour itself' : `, to the router ${via}`}.`,
    rules: (hook, count, bridged) =>
      `${hook}${bridged ? ', of a packet that stays on its bridge' : ''}: ${count === 1 ? 'one rule matches' : `${count} rules match`}.`,
    noRules: (hook) => `${hook}: no rule matches.`,
    destination: (from, to) => `Its destination becomes ${to}; it was ${from}.`,
    source: (from, to) => `Its source becomes ${to}; it was ${from}.`,
    back: (from, to) => `Connection tracking turns ${from} back into ${to}.`,
    wire: (link, where, other) => `Over the veth pair: in at ${link}, out of ${other} in ${where}.`,
    bridge: (bridge, port) => `The bridge ${bridge} hands it to its port ${port}.`,
    bridgeUp: (bridge) => `The bridge ${bridge} hands it to the host.`,
    proxy: (target) => `The userland proxy takes it, and opens a connection of its own to ${target}.`,
    socket: (address, program) =>
      `${program === undefined ? 'A socket' : program} listens on ${address}: it arrives.`,
    kernelAnswers: () => 'The kernel itself answers: it arrives.',
    answerArrives: () => 'The answer arrives.',
    left: (link) => `It leaves by ${link}; what is beyond, nobody here knows.`,
    pausedAsker: () => 'It is paused, and sends nothing. If it ran, this would happen:',
    pausedTarget: () => 'It is paused: nobody takes it.',
    doubt: (rule, because) => `Whether ${rule} matches cannot be told: ${because}.`,
  },
  legs: {
    there: (from, to) => `From ${from} to ${to}`,
    back: (from, to) => `The answer, from ${from} to ${to}`,
    proxied: (to) => `From the userland proxy to ${to}`,
    nameServer: (from, server) => `The question for the name, from ${from} to name server ${server}`,
  },
  headline: {
    yes: (from, to, what) => `Yes: ${from} reaches ${to}, ${what}.`,
    no: (from, to, what) => `No: ${from} does not reach ${to}, ${what}.`,
    unknown: (from, to, what) => `It cannot be told whether ${from} reaches ${to}, ${what}.`,
  },
  causes: {
    rule: (rule, owner, outcome, where) =>
      `The rule "${rule}"${where === undefined ? '' : ` in ${where}`} (${owner}) ${outcome === 'drop' ? 'drops' : 'refuses'} it.`,
    policy: (chain, owner, where) =>
      `No rule accepts it, and the policy of ${chain}${where === undefined ? '' : ` in ${where}`} drops what nobody accepts (${owner}).`,
    iccOff: (network) =>
      `Containers of network ${network} do not reach each other: it was made with enable_icc=false.`,
    noCommonNetwork: (from, to) =>
      `${from} and ${to} have no network in common, and networks are kept apart.`,
    internalNetwork: (network) => `Network ${network} is internal: nothing enters or leaves it.`,
    directAccess: (container) =>
      `Container ${container} was addressed by its own address, which is open to its own network only; from elsewhere, published ports lead to it.`,
    ruleMissing: (rule, why) => `A rule is missing: "${rule}". ${why}`,
    notPublished: (container, port) => `Port ${port} of container ${container} is not published.`,
    publishedOnLoopback: (port) =>
      `${port} is published on a loopback address: it is open to this host only.`,
    proxyGone: (port) =>
      `Nobody listens on ${port} of the host: the process that holds published ports does not run.`,
    notRunning: (container, state) => `Container ${container} does not run (${state}).`,
    paused: (container, protocol) =>
      protocol === 'tcp'
        ? `Container ${container} is paused: its programs do not run. The kernel still takes connections for them, as many as wait in the socket’s queue, but nobody reads or answers them.`
        : `Container ${container} is paused: its programs do not run. The kernel keeps what comes for them, and nobody reads or answers it.`,
    pausedAsker: (container) =>
      `Container ${container} is paused: its programs do not run, and none can ask.`,
    ownParent: (device, driver, container) =>
      `The ${driver} interface of container ${container} stands on ${device} of the host, and the kernel passes nothing between an interface and those that stand on it.`,
    emptyNetwork: (network) => `No container runs on network ${network}.`,
    noFamily: (who, family) => `${who} has no IPv${family} address.`,
    noRoute: (where, address) => `There is no route to ${address} in ${where}.`,
    refusedRoute: (where, address, type) => `A route in ${where} refuses ${address} (${type}).`,
    forwardingOff: (setting) => `The kernel forwards nothing: ${setting} is 0.`,
    reversePath: (link, source, back) =>
      `Reverse path filtering on ${link} drops it: ${back === undefined ? `there is no route back to ${source}` : `the route back to ${source} leaves by ${back}`}.`,
    loopbackOutside: (address, link) =>
      `The loopback address ${address} may not be on ${link}: the kernel drops such a packet.`,
    ownSource: (address, link) =>
      `It came by ${link} with ${address} as its source, which is the receiver's own.`,
    linkDown: (link, where) => `The interface ${link} of ${where} is down.`,
    noCarrier: (link, where) =>
      `The interface ${link} of ${where} has no carrier: its other end is down or gone.`,
    portBlocked: (link, state) => `The bridge does not forward by its port ${link} (${state}).`,
    nobodyThere: (address, link) => `Nobody on ${link} has the address ${address}.`,
    hairpinOff: (link) =>
      `It would have to go back by the port ${link} by which it came, whose hairpin mode is off.`,
    portsIsolated: (link) => `The bridge's port ${link} is isolated from the one it would leave by.`,
    noSocket: (where, port) => `Nothing listens on port ${port} in ${where}.`,
    otherAddress: (where, port, addresses) =>
      `In ${where}, port ${port} is listened on at ${addresses} only.`,
    answerFromElsewhere: (from, expected) =>
      `The answer comes from ${from} and not from ${expected}, which was asked: it is taken for a stranger's.`,
    answerToElsewhere: (where) => `The answer goes to ${where} and not back to the asker.`,
    routeElsewhere: (address, link, route) =>
      `The host sends packets for ${address} out by ${link}: its route ${route} goes before that of the network.`,
    inAnswer: (text) => `The question arrives, and its answer does not come back. ${text}`,
    nameUnknown: (name, server) => `There is no name ${name}: so says ${server}.`,
    nameEmpty: (name, family) =>
      `The name ${name} has no ${family === undefined ? '' : `IPv${family} `}address.`,
    nameBlocked: (name, address) =>
      `The name ${name} stands for ${address}, which is nobody’s address: name servers that block a name answer so.`,
    nameInternal: (container) =>
      `Container ${container} is on closed networks only: on its behalf, the engine’s resolver asks nobody outside for names.`,
    nameFails: (name, server, answer) => `The name ${name} cannot be resolved. Of ${server}: ${answer}.`,
    nameUnasked: (name, server, why) =>
      `The name ${name} cannot be resolved: the question does not get through to ${server}. ${why}`,
    nameUnanswered: (name, server) =>
      `The name ${name} cannot be resolved: ${server} does not answer, though nothing here stands in the way to it.`,
    nameUnforwarded: (name, server, upstream) =>
      `The name ${name} cannot be resolved: ${server} gets no answer, or a refusal. Nothing here stands in the way to ${upstream}.`,
    noNetwork: (container) =>
      `Container ${container} is on no network: it has a loopback interface, and no other.`,
    noWayBack: (where, address) =>
      `There is no route to ${address} in ${where}: nothing comes from there, and no answer could go back.`,
    addressGone: (container, address) =>
      `Container ${container} has lost its address ${address}: no interface of it has it any more.`,
    bridgeGone: (bridge, address, isUp) =>
      isUp
        ? `The bridge ${bridge} has lost its address ${address}, and the host its route to the network with it.`
        : `The bridge ${bridge} is down, and the host has no route to its network.`,
    wrongNeighbour: (address, mac, link) =>
      `A neighbour entry made by hand says that ${address} is at ${mac}, which nobody on ${link} has.`,
    detached: (veth, container, bridge) =>
      `The interface ${veth} of container ${container} is no port of the bridge ${bridge}.`,
    sentElsewhere: (rule, owner, to) => `The rule "${rule}" (${owner}) sends it to ${to} instead.`,
  },
  remarks: {
    ruleMissing: (rule, why) =>
      `A rule of the engine is missing, which does not matter here: "${rule}". ${why}`,
    noNamesOnDefault: (name) =>
      `The name ${name} is not known there: they share no network that has names. The address works; so does --link on the default bridge, or a network of your own.`,
    answerNeedsRoute: (address) =>
      `The packet keeps the source ${address}: an answer comes only from those who have a route back to it.`,
    mtu: (link, mtu, other) =>
      `The MTU of ${link} is ${mtu}, smaller than the ${other} of the sender: larger packets depend on path MTU discovery.`,
    chosenPort: (port) => `No port was named; asked for ${port}.`,
    chosenContainer: (container, network) => `Of network ${network}, container ${container} was taken.`,
    bridgedUnfiltered: (network) =>
      `Network ${network} has icc off, and the kernel does not show packets on one bridge to the firewall (bridge-nf-call-iptables is off).`,
    unread: (what) => `Could not be read, so that the answer may be wrong: ${what}.`,
    paused: (container) => `Container ${container} is paused as well.`,
    ownLoopback: (container) =>
      `A loopback address is everybody’s own: in container ${container} it leads to the container itself, not to the host. The host is reached by the gateway’s address, as --add-host host.docker.internal:host-gateway names it.`,
    unwalked: (tables) =>
      `What these tables of nftables do is not followed, so that the answer may be wrong: ${tables.join(', ')}.`,
    hangsOn: (what) => `It hangs on this: ${what}`,
    nameOf: (name, address) => `By the host’s name servers, ${name} is ${address}.`,
    nameSlow: (server) =>
      `Name server ${server} does not answer: programs wait for it, 5 seconds by default, before they ask the next one.`,
    singleLabelStays: (server) =>
      `The resolver ${server} asks nobody else for a name without a dot, as ndots in /etc/resolv.conf is above 0.`,
  },
  probe: {
    agrees: () => 'A real packet did what the model says.',
    differs: (model, packet) => `A real packet did something else. The model: ${model} The packet: ${packet}`,
    cannot: (why) => `No packet was sent: ${why}.`,
    legacy: () => 'Rules of iptables-legacy decide here too, which the kernel cannot trace by nftables.',
    nothingSeen: () => 'The kernel reported nothing about the packet: no chain of the host was asked.',
    nothingToSend: () => 'there is nobody to send it from, or to',
    onlyTcpUdp: () => 'only TCP and UDP are probed',
    outside: () => 'it would have to come from outside, where nobody of this host is',
    outcome: (outcome) =>
      ({
        connected: 'It was answered.',
        refused: 'It was refused.',
        silent: 'Nothing came back.',
      })[outcome],
    dropped: (rule) => `It was dropped: ${rule}.`,
    undecided: (packet) =>
      `A real packet was sent, and what became of it neither confirms nor refutes the model. ${packet}`,
  },
};
