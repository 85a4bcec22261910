/** Options of images: registries, transfers, storage. Also the keys that no flag stands for, and what is deprecated. */

import { checkMirror, checkRegistry } from '../addresses.ts';
import { boolean, integer, list, object, text } from '../kinds.ts';
import { keyOnly, option } from '../option.ts';

export const imageOptions = {
  insecureRegistries: option('insecure-registry', {
    key: 'insecure-registries',
    kind: list(checkRegistry),
    default: [],
    help: 'Enable insecure registry communication',
    built: true,
    reloadable: true,
  }),
  registryMirrors: option('registry-mirror', {
    key: 'registry-mirrors',
    kind: list(checkMirror),
    default: [],
    help: 'Preferred Docker registry mirror',
    built: true,
    reloadable: true,
  }),
  maxConcurrentDownloads: option('max-concurrent-downloads', {
    kind: integer(0),
    default: 3,
    help: 'Set the max concurrent downloads',
    reloadable: true,
    built: true,
  }),
  maxConcurrentUploads: option('max-concurrent-uploads', {
    kind: integer(0),
    default: 5,
    help: 'Set the max concurrent uploads',
    reloadable: true,
  }),
  maxDownloadAttempts: option('max-download-attempts', {
    kind: integer(0),
    default: 5,
    help: 'Set the max download attempts for each pull',
    reloadable: true,
    built: true,
  }),
  storageDriver: option('storage-driver', {
    short: 's',
    kind: text(),
    default: '',
    help: 'Storage driver to use',
  }),
  storageOpts: option('storage-opt', {
    key: 'storage-opts',
    kind: list(),
    default: [],
    help: 'Storage driver options',
  }),
  httpProxy: option('http-proxy', {
    kind: text(),
    default: '',
    help: 'HTTP proxy URL to use for outgoing traffic',
  }),
  httpsProxy: option('https-proxy', {
    kind: text(),
    default: '',
    help: 'HTTPS proxy URL to use for outgoing traffic',
  }),
  noProxy: option('no-proxy', {
    kind: text(),
    default: '',
    help: 'Comma-separated list of hosts or IP addresses for which the proxy is skipped',
  }),
  builder: keyOnly('builder', { kind: object, default: {}, help: 'Garbage collection of the build cache' }),
  minApiVersion: keyOnly('min-api-version', {
    kind: text(),
    default: '1.24',
    help: 'Oldest version of the API to serve',
    built: true,
  }),
  // What follows Docker has deprecated and still accepts; it does nothing there either.
  allowNondistributableArtifacts: option('allow-nondistributable-artifacts', {
    kind: list(),
    default: [],
    help: 'Allow push of nondistributable artifacts to registry',
    hidden: true,
  }),
  apiCorsHeader: option('api-cors-header', {
    kind: text(),
    default: '',
    help: 'Set CORS headers in the Engine API',
    hidden: true,
  }),
  deprecatedKeyPath: keyOnly('deprecated-key-path', {
    kind: text(),
    default: '',
    help: 'Path to a key file',
  }),
  restart: option('restart', {
    short: 'r',
    key: null,
    kind: boolean,
    default: true,
    help: 'Deprecated in favor of --restart policies on docker run',
    hidden: true,
    built: true,
  }),
};
