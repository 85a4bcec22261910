/** Explanations of a Docker Engine, from what its API tells and from the kernel. */

import { silentLog } from '../../base/log.ts';
import type { ExplainLanguage, PortExposure } from '../../base/wire/index.ts';
import { Explainer } from '../../observe/explain/explainer.ts';
import { readExposure } from '../../observe/exposure/read.ts';
import { ruleReaders } from '../rule-readers.ts';
import type { DockerRecords } from './records.ts';
import { resolveForDocker } from './resolver.ts';
import { DOCKER_SETTINGS } from './settings.ts';

export function dockerExplainer(records: DockerRecords): Explainer {
  return new Explainer({ ...DOCKER_SETTINGS, records, resolve: resolveForDocker(records), log: silentLog });
}

export function dockerExposure(records: DockerRecords, language: ExplainLanguage): Promise<PortExposure[]> {
  const sources = {
    records,
    intent: records.intent,
    rules: ruleReaders,
    explainer: dockerExplainer(records),
  };
  return readExposure({ ...sources, kernelServes: true, log: silentLog }, language);
}
