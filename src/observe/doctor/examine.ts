/** Runs every check over a snapshot and puts what they found into words. Pure. */

import { messageOf } from '../../base/errors.ts';
import type { DoctorCheck, DoctorFinding, DoctorLanguage, DoctorReport } from '../../base/wire/index.ts';
import { addressTwice, macTwice } from './checks/addresses.ts';
import { forwardingOff, ipv6Router } from './checks/forwarding.ts';
import { icmpDropped } from './checks/icmp.ts';
import { addressMissing, defaultRouteMissing, listenerUnreached } from './checks/inside.ts';
import { bridgeDown, mtuMismatch, vethDown } from './checks/links.ts';
import { bridgeFilterOff, rulesMissing, rulesShadowed } from './checks/rules.ts';
import { gatewayMissing, routeOverSubnet, subnetOverlap } from './checks/subnets.ts';
import {
  conntrackFull,
  conntrackMissing,
  leftovers,
  proxyDown,
  resolverDead,
  timeWait,
} from './checks/traffic.ts';
import { labelUnknown, publishedNowhere } from './checks/wishes.ts';
import type { Check, CheckId, Finding } from './finding.ts';
import type { Snapshot } from './snapshot.ts';
import { CATALOGUES, wordsFor } from './words/words.ts';

/** In the order of the way of a packet: what is at the bottom first. A check that is missing here does not compile. */
export const CHECKS: readonly Check[] = Object.values({
  'bridge-down': bridgeDown,
  'gateway-missing': gatewayMissing,
  'veth-down': vethDown,
  'address-missing': addressMissing,
  'default-route-missing': defaultRouteMissing,
  'mtu-mismatch': mtuMismatch,
  'address-twice': addressTwice,
  'mac-twice': macTwice,
  'subnet-overlap': subnetOverlap,
  'route-over-subnet': routeOverSubnet,
  'forwarding-off': forwardingOff,
  'ipv6-router': ipv6Router,
  'rules-missing': rulesMissing,
  'rules-shadowed': rulesShadowed,
  'bridge-filter-off': bridgeFilterOff,
  'icmp-dropped': icmpDropped,
  'conntrack-missing': conntrackMissing,
  'conntrack-full': conntrackFull,
  'proxy-down': proxyDown,
  'time-wait': timeWait,
  'published-nowhere': publishedNowhere,
  'listener-unreached': listenerUnreached,
  'label-unknown': labelUnknown,
  'resolver-dead': resolverDead,
  leftovers,
} satisfies Record<CheckId, Check>);

export interface ExamineOptions {
  /** The host's name. */
  readonly host: string;
  readonly language: DoctorLanguage;
  /** Checks that are not made, because what they need is not known here. Default none. */
  readonly without?: readonly CheckId[];
}

export function examine(snapshot: Snapshot, { host, language, without = [] }: ExamineOptions): DoctorReport {
  const findings: Finding[] = [];
  const checks = CHECKS.filter(({ id }) => !without.includes(id)).map((check): DoctorCheck => {
    const { id } = check;
    const { title } = CATALOGUES[language][id];
    try {
      const found = check.find(snapshot);
      findings.push(...found);
      return { id, title, status: found.length > 0 ? 'finding' : 'ok' };
    } catch (error) {
      return { id, title, status: 'unknown', reason: messageOf(error) };
    }
  });
  const told = findings.map(
    (finding): DoctorFinding => ({
      check: finding.check,
      severity: finding.severity,
      owner: finding.owner,
      ...wordsFor(language, finding),
      evidence: [...finding.evidence],
      commands: [...finding.commands],
    }),
  );
  const rank = ({ severity }: DoctorFinding) => (severity === 'error' ? 0 : 1);
  return { host, language, checks, findings: told.sort((a, b) => rank(a) - rank(b)) };
}
