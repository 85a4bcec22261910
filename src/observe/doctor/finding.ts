/** What a check may say, in values: the words for it are in `words/`. */

import type { DoctorFinding, DoctorOwner } from '../../base/wire/index.ts';
import type { Snapshot } from './snapshot.ts';

/** Every check, with what its sentences are made of. Another language, or another check, has to bring all of its words to compile. */
export interface FactsOf {
  'forwarding-off': { family: 4 | 6; link: string | undefined };
  'rules-missing': { missing: number; wanted: number; all: boolean };
  'rules-shadowed': { where: string; what: 'policy' | 'rule' };
  'bridge-filter-off': { setting: string };
  'subnet-overlap': { subnet: string; other: string; link: string };
  'route-over-subnet': { subnet: string; route: string; link: string; hides: boolean };
  'gateway-missing': { address: string; bridge: string };
  'bridge-down': { bridge: string; gone: boolean };
  'veth-down': {
    link: string;
    problem: 'gone' | 'down' | 'off-bridge' | 'no-carrier' | 'blocked';
    inside: boolean;
  };
  'address-missing': { address: string; link: string };
  'default-route-missing': { family: 4 | 6; gateway: string };
  'mtu-mismatch': { link: string; mtu: number; other: string; otherMtu: number };
  'icmp-dropped': { where: string; stepDown: boolean };
  'address-twice': { address: string; others: string };
  'mac-twice': { mac: string; others: string };
  'conntrack-missing': Record<never, never>;
  'conntrack-full': { entries: number; limit: number; dropped: number };
  'time-wait': { target: string; waiting: number; free: number; refused: number };
  'proxy-down': { lost: string; running: boolean };
  'published-nowhere': { ports: string; networks: string; why: 'internal' | 'parent' | 'none' };
  'listener-unreached': { port: string; addresses: string; containerIp: string };
  'label-unknown': { label: string; why: 'unknown' | 'unpublished' };
  'resolver-dead': { server: string; why: 'silent' | 'refused' };
  'ipv6-router': { link: string };
  leftovers: { kind: 'namespace' | 'link' | 'mount'; name: string };
}

export type CheckId = keyof FactsOf;

/** A finding whose facts are those of its check. */
export type Finding = { [Id in CheckId]: FindingOf<Id> }[CheckId];

export interface FindingOf<Id extends CheckId> {
  readonly check: Id;
  readonly severity: DoctorFinding['severity'];
  readonly owner: DoctorOwner;
  readonly facts: FactsOf[Id];
  readonly evidence: readonly string[];
  readonly commands: readonly string[];
}

/** The checks of one subject; a throw means that it could not be looked at. */
export interface Check {
  readonly id: CheckId;
  find(snapshot: Snapshot): readonly Finding[];
}

export const HOST: DoctorOwner = { kind: 'host', name: 'host' };
export const DAEMON: DoctorOwner = { kind: 'daemon', name: 'bridgeport' };

export const ofNetwork = ({ id, name }: { id: string; name: string }): DoctorOwner => ({
  kind: 'network',
  name,
  id,
});
export const ofContainer = ({ id, name }: { id: string; name: string }): DoctorOwner => ({
  kind: 'container',
  name,
  id,
});
