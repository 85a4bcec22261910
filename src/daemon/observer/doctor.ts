/** The doctor of a Docker Engine, as far as its API and the kernel tell. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { DoctorLanguage, DoctorReport } from '../../base/wire/index.ts';
import { parseResolvConf } from '../../network/dns/index.ts';
import { examine } from '../../observe/doctor/examine.ts';
import type { NameServer } from '../../observe/doctor/read/resolver.ts';
import { type DoctorSources, readSnapshot } from '../../observe/doctor/read/snapshot.ts';
import type { ExplainRecords } from '../../observe/explain/records.ts';
import { DOCKER_SETTINGS } from './settings.ts';

/** Which rules a Docker Engine wants, what it left behind, what its proxies hold, and labels that it takes for anybody's. */
const UNKNOWN_OF_DOCKER = ['rules-missing', 'proxy-down', 'time-wait', 'leftovers', 'label-unknown'] as const;

export async function dockerDoctor(records: ExplainRecords, language: DoctorLanguage): Promise<DoctorReport> {
  const snapshot = await readSnapshot(doctorSources(records));
  return examine(snapshot, { host: hostname(), language, without: UNKNOWN_OF_DOCKER });
}

function doctorSources(records: ExplainRecords): DoctorSources {
  return {
    engine: { repair: ['systemctl restart docker'], keepsContainers: false },
    records,
    firewall: DOCKER_SETTINGS.firewall,
    intent: () => undefined,
    keeper: { stats: async () => undefined, wanted: () => [], lost: async () => [] },
    nameServers: hostNameServers,
    marks: {
      netnsFolder: '',
      ownerOf: () => undefined,
      roots: [],
      inUse: () => ({ namespaces: [], linkOwners: [], containers: [] }),
    },
  };
}

function hostNameServers(): NameServer[] {
  const { nameservers } = parseResolvConf(readFileSync('/etc/resolv.conf', 'utf8'));
  return nameservers.map((address) => ({ address, port: 53 }));
}
