import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { RegistryClient, type RegistryClientOptions } from './client.ts';
import { DOCKER_SCHEMA1_SIGNED, OCI_INDEX, OCI_LAYER } from './media-types.ts';
import { hostPlatform, parsePlatform } from './platform.ts';
import { parseReference } from './reference.ts';
import type { Repository } from './repository.ts';
import { resolveImage } from './resolve-image.ts';
import {
  BadProxy,
  basic,
  freePort,
  PASSWORD,
  pushBlob,
  pushImage,
  pushIndex,
  startRegistry,
  type TestRegistry,
  TokenServer,
  USER,
} from './test-fixtures.ts';

const never = () => new AbortController().signal;
const signed = { username: USER, password: PASSWORD };

function makeClient(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  return new RegistryClient({ insecureRegistries: [], mirrors: [], retry: { delayMs: 5 }, ...options });
}

async function readBlob(
  repository: Repository,
  descriptor: { mediaType: string; digest: string; size: number },
  offset = 0,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of repository.blob(descriptor, { offset, signal: never() })) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('a registry without authorization', () => {
  let registry: TestRegistry;
  let proxy: BadProxy;
  let client: RegistryClient;
  const data = randomBytes(3 << 20);
  let blob: { mediaType: string; digest: string; size: number };
  before(async () => {
    registry = await startRegistry();
    proxy = await BadProxy.start(registry.host);
    client = makeClient();
    blob = await pushBlob(registry, 'team/app', data, OCI_LAYER);
    await pushImage(registry, 'team/app', '1', { layers: [Buffer.from('x')] });
  });
  beforeEach(() => {
    proxy.requests.length = 0;
    proxy.mischief = () => undefined;
  });
  after(async () => {
    client.close();
    await proxy.stop();
    await registry.stop();
  });

  const open = (name = 'team/app', host = proxy.host) => client.open(parseReference(`${host}/${name}`));

  test('manifest() by tag and by digest give the same', async () => {
    const repository = await open();
    const byTag = await repository.manifest('1', never());
    assert.deepEqual(await repository.manifest(byTag.digest, never()), byTag);
  });

  test('tags() reads all pages', async () => {
    for (const tag of ['a', 'b', 'c']) await pushImage(registry, 'many/tags', tag, { layers: [] });
    assert.deepEqual((await (await open('many/tags')).tags(never())).sort(), ['a', 'b', 'c']);
    let page = 0;
    proxy.mischief = ({ path }) =>
      path.includes('/tags/list')
        ? {
            status: 200,
            body: JSON.stringify({ tags: [`t${page}`] }),
            headers: { link: page++ < 2 ? `</v2/x/tags/list?last=${page}>; rel="next"` : '' },
          }
        : undefined;
    assert.deepEqual(await (await open('paged')).tags(never()), ['t0', 't1', 't2']);
    assert.ok(proxy.requests.some(({ path }) => path === '/v2/paged/tags/list?last=2'));
  });

  test("words a missing tag and a missing repository in Docker's way", async () => {
    await assert.rejects((await open()).manifest('none', never()), {
      kind: 'not-found',
      message: `manifest for ${proxy.host}/team/app not found: manifest unknown: manifest unknown`,
    });
    const named = await client.open(parseReference(`${proxy.host}/nobody/none:7`));
    await assert.rejects(named.manifest('7', never()), {
      kind: 'not-found',
      message: `manifest for ${proxy.host}/nobody/none:7 not found: manifest unknown: manifest unknown`,
    });
    await assert.rejects(named.tags(never()), {
      kind: 'not-found',
      message: `repository ${proxy.host}/nobody/none not found: name unknown: repository name not known to registry`,
    });
  });

  test('words a denial as Docker does', async () => {
    proxy.mischief = ({ path }) =>
      path === '/v2/'
        ? undefined
        : {
            status: 401,
            body: JSON.stringify({
              errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }],
            }),
          };
    await assert.rejects((await open()).manifest('1', never()), {
      kind: 'not-found',
      message: `pull access denied for ${proxy.host}/team/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    });
  });

  test('blob() gives the bytes from any offset', async () => {
    const repository = await open();
    assert.ok((await readBlob(repository, blob)).equals(data));
    assert.ok((await readBlob(repository, blob, 1_000_001)).equals(data.subarray(1_000_001)));
    assert.equal((await readBlob(repository, blob, data.length)).length, 0);
  });

  test('blob() goes on where a connection broke, by Range', async () => {
    proxy.mischief = ({ path }, earlier) =>
      path.includes('/blobs/') && earlier < 3 ? { cutAfter: 700_000 } : undefined;
    assert.ok((await readBlob(await open(), blob)).equals(data));
    const ranges = proxy.requests
      .filter(({ path }) => path.includes('/blobs/'))
      .map(({ headers }) => headers.range);
    assert.equal(ranges.length, 4);
    assert.equal(ranges[0], undefined);
    assert.match(ranges[1]!, /^bytes=[1-9]\d*-$/);
  });

  test('blob() goes on even when the server knows no ranges', async () => {
    proxy.mischief = ({ path }, earlier) =>
      !path.includes('/blobs/') ? undefined : earlier === 0 ? { cutAfter: 700_000 } : 'no-range';
    assert.ok((await readBlob(await open(), blob)).equals(data));
  });

  test('blob() gives up after five tries without progress', async () => {
    proxy.mischief = ({ path }) => (path.includes('/blobs/') ? { cutAfter: 0 } : undefined);
    await assert.rejects(readBlob(await open(), blob), { kind: 'unavailable' });
    assert.equal(proxy.requests.filter(({ path }) => path.includes('/blobs/')).length, 5);
  });

  test('blob() tries again after 503, not after 404', async () => {
    proxy.mischief = ({ path }, earlier) =>
      path.includes('/blobs/') && earlier < 2 ? { status: 503 } : undefined;
    assert.ok((await readBlob(await open(), blob)).equals(data));
    const missing = { ...blob, digest: `sha256:${'0'.repeat(64)}` };
    proxy.mischief = () => undefined;
    await assert.rejects(readBlob(await open(), missing), {
      kind: 'not-found',
      message: /^blob unknown: blob unknown to registry/,
    });
    assert.equal(proxy.requests.filter(({ path }) => path.includes(missing.digest)).length, 1);
  });

  test('blob() refuses more bytes than the descriptor says', async () => {
    await assert.rejects(readBlob(await open(), { ...blob, size: 1000 }), {
      kind: 'invalid',
      message: /more than the 1000/,
    });
  });

  test('manifest() refuses content that is not what its digest says', async () => {
    const { digest } = await (await open()).manifest('1', never());
    proxy.mischief = ({ path }) => (path.includes('/manifests/') ? 'corrupt' : undefined);
    await assert.rejects((await open()).manifest(digest, never()), {
      kind: 'invalid',
      message: `manifest verification failed for digest ${digest}`,
    });
  });

  test('manifest() refuses schema 1 clearly', async () => {
    for (const contentType of [DOCKER_SCHEMA1_SIGNED, 'application/json']) {
      proxy.mischief = ({ path }) =>
        path.includes('/manifests/')
          ? { status: 200, body: '{"schemaVersion": 1}', headers: { 'content-type': contentType } }
          : undefined;
      await assert.rejects((await open()).manifest('1', never()), {
        kind: 'invalid',
        message: /schema 1 is not supported/,
      });
    }
  });

  test('manifest() refuses an endless answer', async () => {
    proxy.mischief = ({ path }) =>
      path.includes('/manifests/') ? { status: 200, body: 'x'.repeat(5 << 20) } : undefined;
    await assert.rejects((await open()).manifest('1', never()), { kind: 'invalid', message: /larger than/ });
  });

  test('stops at once when it is aborted, also in a pause between tries', async () => {
    const slow = makeClient({ retry: { delayMs: 60_000 } });
    const repository = await slow.open(parseReference(`${proxy.host}/team/app`));
    proxy.mischief = ({ path }) => (path.includes('/blobs/') ? { cutAfter: 10 } : undefined);
    const gone = new AbortController();
    const reading = (async () => {
      const options = { signal: gone.signal, onRetry: () => gone.abort(new Error('gone')) };
      for await (const _ of repository.blob(blob, options));
    })();
    await assert.rejects(reading, /gone/);
    slow.close();
  });

  test('follows redirects, and shows another host no credentials', async () => {
    const seen: http.IncomingHttpHeaders[] = [];
    const other = http.createServer((request, response) => {
      seen.push(request.headers);
      response.end(data);
    });
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    proxy.mischief = ({ path }) => {
      if (path === '/v2/') return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
      return path.includes('/blobs/') ? { redirect: `http://127.0.0.1:${port}/there` } : undefined;
    };
    const repository = await client.open(parseReference(`${proxy.host}/team/app`), signed);
    assert.ok((await readBlob(repository, blob)).equals(data));
    const asked = proxy.requests.find(({ path }) => path.includes('/blobs/'));
    assert.equal(asked?.headers.authorization, basic(USER, PASSWORD));
    assert.equal(seen.length, 1);
    assert.equal(seen[0]!.authorization, undefined);
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  });

  test('stops redirects that go round', async () => {
    proxy.mischief = ({ path }) => (path === '/v2/' ? undefined : { redirect: path });
    await assert.rejects((await open()).manifest('1', never()), { message: /stopped after 10 redirects/ });
  });

  test('says in Go words that nobody listens, that the name is unknown, that TLS is missing', async () => {
    const port = await freePort();
    await assert.rejects((await open('x', `127.0.0.1:${port}`)).manifest('1', never()), {
      kind: 'unavailable',
      message: `Get "http://127.0.0.1:${port}/v2/": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    });
    await assert.rejects((await open('x', 'registry.invalid')).manifest('1', never()), {
      kind: 'unavailable',
      message: /^Get "https:\/\/registry\.invalid\/v2\/": dial tcp: lookup registry\.invalid/,
    });
  });

  test('gives up on a server that says nothing', async () => {
    const hasty = makeClient({ idleTimeoutMs: 50, retry: { attempts: 2, delayMs: 1 } });
    proxy.mischief = ({ path }) => (path === '/v2/' ? undefined : { delay: 2000 });
    const repository = await hasty.open(parseReference(`${proxy.host}/team/app`));
    await assert.rejects(repository.manifest('1', never()), { kind: 'unavailable', message: /i\/o timeout/ });
    hasty.close();
  });

  test('asks mirrors of Docker Hub first, without credentials, and falls back', async () => {
    await pushImage(registry, 'library/thing', 'latest', { layers: [] });
    const port = await freePort();
    const mirrored = makeClient({ mirrors: [`http://127.0.0.1:${port}`, `http://${proxy.host}/`] });
    const repository = await mirrored.open(parseReference('thing'), signed);
    assert.equal((await repository.manifest('latest', never())).mediaType.includes('manifest'), true);
    assert.ok(proxy.requests.every(({ headers }) => headers.authorization === undefined));
    mirrored.close();
  });

  describe('resolveImage()', () => {
    const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v6'].map((text) => parsePlatform(text));
    before(async () => {
      const entries = [];
      for (const platform of platforms) {
        const { manifest } = await pushImage(registry, 'multi', undefined, { platform, layers: [] });
        entries.push({ manifest, platform });
      }
      await pushIndex(registry, 'multi', '1', entries);
    });

    test('takes the image of the platform, and the digest of the index', async () => {
      const repository = await open('multi');
      const index = await repository.manifest('1', never());
      assert.equal(index.mediaType, OCI_INDEX);
      const digests = new Set<string>();
      for (const platform of platforms) {
        const resolved = await resolveImage(repository, '1', platform, never());
        assert.equal(resolved.digest, index.digest);
        digests.add(resolved.manifest.digest);
      }
      assert.equal(digests.size, 3);
    });

    test('says which platform is missing', async () => {
      await assert.rejects(resolveImage(await open('multi'), '1', parsePlatform('linux/s390x'), never()), {
        kind: 'not-found',
        message: 'no matching manifest for linux/s390x in the manifest list entries',
      });
    });

    test('refuses what is no container image', async () => {
      const answer = (document: object, type: string) => {
        proxy.mischief = ({ path }) =>
          path.includes('/manifests/')
            ? { status: 200, body: JSON.stringify(document), headers: { 'content-type': type } }
            : undefined;
      };
      const manifest = 'application/vnd.oci.image.manifest.v1+json';
      const config = { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: blob.digest, size: 1 };
      const refuses = async (message: RegExp) =>
        assert.rejects(resolveImage(await open('x'), '1', hostPlatform(), never()), {
          kind: 'invalid',
          message,
        });
      answer({ config, layers: [] }, manifest);
      await refuses(/unsupported media type application\/vnd.cncf.helm/);
      answer({ layers: [] }, manifest);
      await refuses(/no config or no layers/);
      answer({}, 'text/html');
      await refuses(/unsupported media type text\/html/);
      const good = { ...config, mediaType: 'application/vnd.oci.image.config.v1+json' };
      answer({ config: good, layers: [{ mediaType: 'x/y', digest: blob.digest, size: 1 }] }, manifest);
      await refuses(/unsupported layer media type x\/y/);
      answer({ config: good, layers: [{ mediaType: OCI_LAYER, digest: '../../x', size: 1 }] }, manifest);
      await refuses(/bad descriptor/);
    });
  });
});

describe('a registry with basic authentication', () => {
  let registry: TestRegistry;
  let client: RegistryClient;
  before(async () => {
    registry = await startRegistry('basic');
    client = makeClient();
    await pushImage(registry, 'secret', '1', { layers: [] });
  });
  after(async () => {
    client.close();
    await registry.stop();
  });
  const open = (auth?: object) => client.open(parseReference(`${registry.host}/secret`), auth);

  test('lets the right password in, given either way', async () => {
    await (await open(signed)).manifest('1', never());
    await (await open({ auth: basic(USER, PASSWORD).slice(6) })).manifest('1', never());
  });

  test('says that credentials are missing', async () => {
    await assert.rejects((await open()).manifest('1', never()), {
      kind: 'unauthorized',
      message: `Get "http://${registry.host}/v2/": no basic auth credentials`,
    });
  });

  test('says that the password is wrong', async () => {
    await assert.rejects((await open({ ...signed, password: 'x' })).manifest('1', never()), {
      kind: 'unauthorized',
      message: 'unauthorized: authentication required',
    });
  });

  test('login() tries credentials out', async () => {
    await client.login({ ...signed, serveraddress: registry.host }, never());
    await assert.rejects(client.login({ ...signed, password: 'x', serveraddress: registry.host }, never()), {
      kind: 'unauthorized',
    });
  });
});

describe('a registry with bearer tokens', () => {
  let registry: TestRegistry;
  let tokens: TokenServer;
  let client: RegistryClient;
  before(async () => {
    tokens = await TokenServer.start();
    registry = await startRegistry({ tokenServer: tokens });
    client = makeClient();
    await pushImage(registry, 'secret/app', '1', { layers: [] });
  });
  beforeEach(() => {
    tokens.requests.length = 0;
    tokens.private_ = true;
  });
  after(async () => {
    client.close();
    await registry.stop();
    await tokens.stop();
  });
  const open = (auth?: object, name = 'secret/app') =>
    client.open(parseReference(`${registry.host}/${name}`), auth);

  test('gets a token with basic credentials, once for several requests', async () => {
    const repository = await open(signed);
    const { digest } = await repository.manifest('1', never());
    await Promise.all([repository.manifest(digest, never()), repository.manifest('1', never())]);
    assert.equal(tokens.requests.length, 1);
    const [request] = tokens.requests;
    assert.equal(request!.parameters.get('service'), tokens.service);
    assert.deepEqual(request!.parameters.getAll('scope'), ['repository:secret/app:pull']);
    assert.equal(request!.parameters.get('account'), USER);
    assert.equal(request!.authorization, basic(USER, PASSWORD));
  });

  test('gets a token without credentials where that is allowed', async () => {
    tokens.private_ = false;
    await (await open()).manifest('1', never());
    assert.equal(tokens.requests[0]!.authorization, undefined);
  });

  test('exchanges an identity token by OAuth', async () => {
    await (await open({ identitytoken: tokens.refreshToken })).manifest('1', never());
    const [request] = tokens.requests;
    assert.equal(request!.method, 'POST');
    assert.equal(request!.parameters.get('grant_type'), 'refresh_token');
    assert.equal(request!.authorization, undefined);
  });

  test('shows a registry token as it is', async () => {
    const registrytoken = tokens.issue(['repository:secret/app:pull']);
    await (await open({ registrytoken })).manifest('1', never());
    assert.equal(tokens.requests.length, 0);
  });

  test('says that credentials are missing or wrong', async () => {
    await assert.rejects((await open()).manifest('1', never()), { kind: 'unauthorized' });
    await assert.rejects((await open({ ...signed, password: 'x' })).manifest('1', never()), {
      kind: 'unauthorized',
      message: 'unauthorized: authentication required',
    });
  });

  test('login() asks for a token without a scope', async () => {
    await client.login({ ...signed, serveraddress: `http://${registry.host}/v1/` }, never());
    assert.equal(tokens.requests[0]!.parameters.has('scope'), false);
  });

  test('gets another token when the registry does not take the first any more', async () => {
    const proxy = await BadProxy.start(registry.host);
    let refused = 0;
    proxy.mischief = ({ path }) =>
      path.includes('/manifests/') && refused++ === 0
        ? {
            status: 401,
            headers: { 'www-authenticate': `Bearer realm="${tokens.realm}",service="${tokens.service}"` },
          }
        : undefined;
    const repository = await client.open(parseReference(`${proxy.host}/secret/app`), signed);
    await repository.manifest('1', never());
    assert.equal(tokens.requests.length, 2);
    await proxy.stop();
  });
});

test('a registry client refuses a mirror that is no URL and an insecure registry with a scheme', () => {
  assert.throws(() => makeClient({ mirrors: ['registry.local'] }), {
    kind: 'invalid',
    message: /invalid mirror/,
  });
  assert.throws(() => makeClient({ mirrors: ['https://u:p@registry.local'] }), { message: /credentials/ });
  for (const entry of ['http://registry.local', 'registry.local/path', '10.0.0.0/33', '']) {
    assert.throws(() => makeClient({ insecureRegistries: [entry] }), {
      kind: 'invalid',
      message: /insecure registry/,
    });
  }
});
