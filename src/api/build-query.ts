/** The query of `POST /build`, and the credentials in its header. */

import type { IncomingHttpHeaders } from 'node:http';
import { invalid, messageOf, notImplemented } from '../base/errors.ts';
import type { BuildOptions } from '../base/image-requests.ts';
import { array, type Decoder, map, nullable, string } from './decode.ts';
import type { Query } from './query.ts';
import { ulimit } from './schemas/resources.ts';
import { authConfig } from './schemas/system.ts';

const buildArgs = map(nullable(string));
const labels = map(string);
const ulimits = array(ulimit);
const auths = map(authConfig);

/**
 * @throws `not-implemented` for what only BuildKit or a remote context could do, `invalid` for what cannot be read
 */
export function buildOptions(query: Query, headers: IncomingHttpHeaders): BuildOptions {
  if (query.text('version') === '2') throw notImplemented('building with BuildKit', 'unset DOCKER_BUILDKIT');
  const remote = query.text('remote');
  if (remote !== '') {
    throw notImplemented(`a remote build context (${remote})`, 'fetch it, and build from the folder');
  }
  if (query.flag('squash')) throw notImplemented('docker build --squash');
  return {
    dockerfile: query.text('dockerfile'),
    tags: query.all('t').filter((tag) => tag !== ''),
    buildArgs: jsonOf(query, 'buildargs', buildArgs),
    labels: jsonOf(query, 'labels', labels),
    target: query.text('target'),
    platform: query.text('platform'),
    noCache: query.flag('nocache'),
    pull: query.flag('pull'),
    remove: query.flag('rm', true),
    forceRemove: query.flag('forcerm'),
    quiet: query.flag('q'),
    networkMode: query.text('networkmode'),
    extraHosts: query.all('extrahosts').filter((host) => host !== ''),
    shmSize: query.integer('shmsize') ?? 0,
    memory: query.integer('memory') ?? 0,
    memorySwap: query.integer('memswap') ?? 0,
    cpuShares: query.integer('cpushares') ?? 0,
    cpuPeriod: query.integer('cpuperiod') ?? 0,
    cpuQuota: query.integer('cpuquota') ?? 0,
    cpusetCpus: query.text('cpusetcpus'),
    cpusetMems: query.text('cpusetmems'),
    cgroupParent: query.text('cgroupparent'),
    ulimits: jsonOf(query, 'ulimits', ulimits),
    securityOpt: query.all('securityopt').filter((option) => option !== ''),
    ignored: /^(|\[\]|null)$/.test(query.text('cachefrom').trim()) ? [] : ['--cache-from'],
    auths: registryConfig(headers),
  };
}

function jsonOf<T>(query: Query, name: string, decoder: Decoder<T>): T {
  const text = query.text(name);
  if (text === '') return decoder.zero();
  try {
    const value: unknown = JSON.parse(text);
    return value === null ? decoder.zero() : decoder.decode(value, name);
  } catch (error) {
    throw invalid(`error reading ${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** `X-Registry-Config`: credentials by registry, as JSON in base64. What cannot be read counts as none, as with Docker. */
function registryConfig(headers: IncomingHttpHeaders): BuildOptions['auths'] {
  const header = headers['x-registry-config'];
  if (typeof header !== 'string' || header === '') return {};
  try {
    return auths.decode(JSON.parse(Buffer.from(header, 'base64').toString('utf8')), '');
  } catch {
    return {};
  }
}
