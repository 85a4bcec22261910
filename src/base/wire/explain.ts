/*
 * The network explained: what `GET /bridgeport/rules` and `GET /bridgeport/why` answer (extensions of Bridgeport's API: their paths
 * have no version), and `bridgeport rules --json` and `bridgeport why --json` print. Sentences are in the language that was asked for by
 * `?lang=en` or `?lang=ko`; everything else is the same in both. Optional members are left out when there is nothing to tell.
 */

export type ExplainLanguage = 'en' | 'ko';

/** Who wrote something, or who can change it. */
export interface ExplainOwner {
  /**
   * - `engine`: Bridgeport, or the Docker Engine that is being looked at
   * - `user`: the user's own chain, or a rule that no known program writes
   * - `program`: another firewall or network program, recognised by its names
   * - `container`, `network`, `host`: what is not a rule: a service, a setting, an interface
   */
  kind: 'engine' | 'user' | 'program' | 'container' | 'network' | 'host';
  /** `ufw`, `firewalld`, `libvirt` …; for `engine` `Bridgeport` or `Docker`. */
  program?: string;
  network?: { id: string; name: string };
  container?: { id: string; name: string };
  /** Published or linked port: `0.0.0.0:8080 → 80/tcp`. */
  port?: string;
  /** Alias of a link. */
  link?: string;
  /** For people: `container web, port 80/tcp`. */
  text: string;
}

/** One firewall rule. */
export interface ExplainedRule {
  /** Unique in this answer. */
  id: string;
  source: 'iptables' | 'iptables-legacy' | 'nftables';
  /** `ip`, `ip6`, `inet` … */
  family: string;
  table: string;
  chain: string;
  /** Place in its chain, from 1. */
  number: number;
  /** nftables only. */
  handle?: number;
  /** As the tool prints it. */
  text: string;
  packets?: number;
  bytes?: number;
  owner: ExplainOwner;
  /** What it does and why it is there. */
  sentence: string;
  /** What would break without it; of rules that the engine wrote. */
  without?: string;
  /** Why it deserves attention: it stands before the engine's rules and decides for them. */
  warning?: string;
}

export interface ExplainedChain {
  source: ExplainedRule['source'];
  family: string;
  table: string;
  name: string;
  /** Base chains only: -300 raw, -100 dstnat, 0 filter, 100 srcnat. Others are asked where a rule jumps to them. */
  priority?: number;
  policy?: 'accept' | 'drop';
  owner: ExplainOwner;
  warning?: string;
  rules: ExplainedRule[];
}

/** What is asked at one point of a packet's way. */
export interface ExplainedHook {
  hook: 'ingress' | 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  /** When the kernel asks there. */
  sentence: string;
  /** In the order in which a packet meets them; a chain stands after the first that jumps to it. */
  chains: ExplainedChain[];
}

export interface ExplainedSet {
  family: string;
  table: string;
  name: string;
  elements: Array<{
    /** `tcp . 8080 : 172.17.0.2 . 80`. */
    text: string;
    owner: ExplainOwner;
    sentence: string;
    without?: string;
  }>;
}

export interface RulesReport {
  language: ExplainLanguage;
  hooks: ExplainedHook[];
  /** What the engine's sets and maps of nftables hold, which its rules look up: published ports, links, bridges. */
  sets?: ExplainedSet[];
  /** Rules that the engine wrote and that are no longer there, each with what it was for. */
  missing: Array<{
    text: string;
    family: string;
    table: string;
    owner: ExplainOwner;
    sentence: string;
    without?: string;
  }>;
  /** What could not be read. */
  unread: string[];
}

/** One end of the question. */
export interface WhyParty {
  kind: 'container' | 'network' | 'host' | 'world' | 'address' | 'name';
  /** As it was asked for. */
  asked: string;
  /** The container that it stands for, if any. */
  container?: { id: string; name: string };
  network?: { id: string; name: string };
  /** The address that the model's packet had. */
  address?: string;
}

/** One step of a packet. */
export interface WhyStep {
  kind:
    | 'name'
    | 'sent'
    | 'entered'
    | 'route'
    | 'rules'
    | 'translated'
    | 'wire'
    | 'bridge'
    | 'proxy'
    | 'arrived'
    | 'left'
    | 'stopped';
  /** Where: `host`, or a container's name. */
  where: string;
  /** The container whose namespace it is; left out for the host. */
  containerId?: string;
  text: string;
  /** The packet as it was then: `172.17.0.2:45678 → 172.17.0.3:80`. */
  packet?: string;
  /** False where it ended; null where it cannot be told. */
  ok: boolean | null;
  /** Kind `rules`: those that matched. */
  rules?: WhyRule[];
  /** Name of an interface that it concerns. */
  link?: string;
  /** Bytes. */
  mtu?: number;
}

export interface WhyRule {
  id: string;
  text: string;
  owner: ExplainOwner;
  sentence: string;
  /** `accept`, `drop`, `jump DOCKER`, `dnat 172.17.0.2:80` … */
  verdict?: string;
}

export interface WhyLeg {
  direction: 'there' | 'back';
  title: string;
  steps: WhyStep[];
}

/** Why the answer is no. */
export interface WhyCause {
  /** A word that does not change with the language: `rule`, `policy`, `icc-off`, `not-published` … */
  kind: string;
  text: string;
  owner: ExplainOwner;
  rule?: ExplainedRule;
  /** Commands that would change it, the best first; words in capitals are to be filled in. */
  remedies: string[];
}

export interface WhyReport {
  language: ExplainLanguage;
  from: WhyParty;
  to: WhyParty;
  /** `tcp`, `udp`, `icmp`. */
  protocol: string;
  /** Left out for `icmp`. */
  port?: number;
  answer: 'yes' | 'no' | 'unknown';
  headline: string;
  cause?: WhyCause;
  /** What is true and does not decide: a rule that is missing, a smaller MTU, a name that is not known. */
  remarks: string[];
  legs: WhyLeg[];
  probe?: WhyProbe;
}

/** What a real packet did (`?probe=1`). */
export interface WhyProbe {
  /** False where the kernel could not be asked; `text` says why. */
  traced: boolean;
  /** Whether the packet did what the model said; null when it was not traced. */
  agrees: boolean | null;
  text: string;
  /** What the kernel reported, in order. */
  events: Array<{ hook: string; table: string; chain: string; rule?: string; verdict: string; text: string }>;
}
