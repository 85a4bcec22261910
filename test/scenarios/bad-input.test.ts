/** Bad input of every kind gets a clear error, and changes nothing. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Answer } from '../harness/daemon.ts';
import { buildImages, type Entry, tar } from '../harness/images.ts';
import { useStage } from '../harness/stage.ts';

describe('Bad input', () => {
  const stage = useStage({ images: ['busybox', 'nginx'] });

  /** Everything that a refused request must not touch. */
  const everything = async () => {
    const { daemon, host } = stage;
    const list = async (path: string) => (await daemon.api('GET', path)).text;
    const folder = (name: string) => {
      const path = join(daemon.dataRoot, name);
      return existsSync(path) ? readdirSync(path).sort() : [];
    };
    return {
      // Without "Up 2 seconds", which changes by itself.
      containers: (await list('/containers/json?all=1')).replace(/"Status":"[^"]*"/g, ''),
      images: await list('/images/json'),
      volumes: await list('/volumes'),
      networks: await list('/networks'),
      rules: await host.rules('filter'),
      nat: await host.rules('nat'),
      links: (await host.links()).map(({ ifname }) => ifname),
      folders: [folder('containers'), folder('volumes')],
    };
  };

  /** Sends a request that has to be refused with `status`, in Docker's shape, and nothing may be different afterwards. */
  const refused = async (
    status: number | readonly number[],
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<string> => {
    const before = await everything();
    const answer: Answer = await stage.daemon.api(method, path, body, headers);
    const wanted = typeof status === 'number' ? [status] : status;
    assert.ok(wanted.includes(answer.status), `${method} ${path}: ${answer.status} ${answer.text}`);
    const { message } = answer.json<{ message: string }>();
    assert.ok(typeof message === 'string' && message.length > 3, answer.text);
    assert.doesNotMatch(message, /at .*\.ts:\d+|TypeError|undefined|\[object/, 'words for people');
    assert.deepEqual(await everything(), before);
    return message;
  };
  const create = (body: unknown, status: number | readonly number[] = 400, name = 'subject') =>
    refused(status, 'POST', `/containers/create?name=${name}`, body);

  it('refuses JSON that is none', async () => {
    await create('{');
    await create('');
    await create('[]');
    await create('"busybox"');
    await create('null');
    await create(`{"Image":"busybox"`);
  });

  it('refuses wrong types, naming the field', async () => {
    assert.match(await create({ Image: 7 }), /Image/);
    assert.match(await create({ Image: 'busybox', HostConfig: { Memory: 'much' } }), /Memory/);
    assert.match(await create({ Image: 'busybox', HostConfig: 'none' }), /HostConfig/);
    assert.match(await create({ Image: 'busybox', HostConfig: { PortBindings: [] } }), /PortBindings/);
    assert.match(await create({ Image: 'busybox', Env: { A: 'b' } }), /Env/);
    assert.match(await create({ Image: 'busybox', HostConfig: { Binds: [1] } }), /Binds/);
  });

  it('refuses an unknown image as not found', async () => {
    assert.match(await create({ Image: 'nonesuch' }, 404), /No such image: nonesuch/);
    assert.match(await create({ Image: 'lower/Case' }), /invalid reference format/);
    assert.match(await create({}), /./);
  });

  it('refuses a name that is in use, naming its holder', async () => {
    const id = await stage.cli('create', '--name', 'subject', 'busybox');
    const message = await create({ Image: 'busybox' }, 409);
    assert.match(message, /The container name "\/subject" is already in use by container "[0-9a-f]{64}"/);
    assert.ok(message.includes(id));
  });

  it('refuses names that are none', async () => {
    for (const name of [
      'a',
      '-x',
      'x/y',
      '..',
      'x%00y',
      encodeURIComponent('ü'),
      encodeURIComponent('x y'),
      '%0a',
    ]) {
      await create({ Image: 'busybox' }, 400, name);
    }
  });

  it('refuses limits that cannot be', async () => {
    assert.match(await create({ Image: 'busybox', HostConfig: { Memory: 1000 } }), /[Mm]inimum memory limit/);
    await create({ Image: 'busybox', HostConfig: { NanoCpus: 1_000_000_000_000 } });
    await create({ Image: 'busybox', HostConfig: { CpusetCpus: '99' } });
    await create({ Image: 'busybox', HostConfig: { CpusetCpus: 'x' } });
    await create({ Image: 'busybox', HostConfig: { BlkioWeight: 5 } });
    await create({ Image: 'busybox', HostConfig: { RestartPolicy: { Name: 'sometimes' } } });
    await create({ Image: 'busybox', HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always' } } });
    await create({ Image: 'busybox', StopSignal: 'SIGNONE' });
    await create({ Image: 'busybox', HostConfig: { CapAdd: ['CAP_NONE'] } });
    await create({ Image: 'busybox', HostConfig: { LogConfig: { Type: 'nosuch', Config: {} } } });
    await create({
      Image: 'busybox',
      HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': 'big' } } },
    });
  });

  it('refuses mounts that cannot be', async () => {
    const bind = (text: string) => create({ Image: 'busybox', HostConfig: { Binds: [text] } });
    await bind('relative/path:/data');
    await bind('/tmp:relative');
    await bind('/tmp:/');
    await bind('a:b:c:d');
    await bind('/tmp:/data:sometimes');
    await bind('..:/data');
    await bind('../../etc:/data');
    const mount = (value: unknown) => create({ Image: 'busybox', HostConfig: { Mounts: [value] } });
    await mount({ Type: 'bind', Source: '/nonesuch/at/all', Target: '/data' });
    await mount({ Type: 'nosuch', Source: '/tmp', Target: '/data' });
    await mount({ Type: 'bind', Source: '/tmp', Target: '' });
  });

  it('refuses ports, addresses and networks that cannot be', async () => {
    const ports = (PortBindings: unknown) => create({ Image: 'busybox', HostConfig: { PortBindings } });
    await ports({ '80/tcp': [{ HostPort: '70000' }] });
    await ports({ '80/tcp': [{ HostPort: '-1' }] });
    await ports({ '80/tcp': [{ HostPort: 'http' }] });
    await ports({ '0/nosuch': [{ HostPort: '1' }] });
    await ports({ '80/tcp': [{ HostIp: '1.2.3', HostPort: '80' }] });
    await create({ Image: 'busybox', HostConfig: { NetworkMode: 'nosuch' } }, [400, 404]);
    await create({ Image: 'busybox', HostConfig: { NetworkMode: 'container:' } });
    await create({ Image: 'busybox', HostConfig: { Links: ['nosuch:x'] } });
    await create({ Image: 'busybox', HostConfig: { ExtraHosts: ['x'] } });
    await create({ Image: 'busybox', HostConfig: { ExtraHosts: ['x:not-an-address'] } });
    await create({ Image: 'busybox', HostConfig: { Dns: ['nine'] } });
    await create({ Image: 'busybox', MacAddress: 'zz:zz' });
    const endpoint = { bridge: { IPAMConfig: { IPv4Address: '172.17.0.99' } } };
    await create({ Image: 'busybox', NetworkingConfig: { EndpointsConfig: endpoint } });
  });

  it('refuses a port that is in use at start, and undoes what was made for it', async () => {
    const { cli } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
    await cli('create', '--name', 'second', '-p', '8080:80', 'nginx');
    const message = await refused([500, 409], 'POST', '/containers/second/start').catch((error) =>
      String(error),
    );
    // The record says why the start failed, so only the kernel is compared here.
    assert.match(message, /8080|State|Error/);
    const { links } = await everything();
    assert.equal(links.filter((name) => name.startsWith('veth')).length, 1);
  });

  it('says what is missing when nobody has the name', async () => {
    for (const [method, path] of [
      ['GET', '/containers/nobody/json'],
      ['POST', '/containers/nobody/start'],
      ['POST', '/containers/nobody/stop'],
      ['POST', '/containers/nobody/kill'],
      ['POST', '/containers/nobody/wait'],
      ['POST', '/containers/nobody/attach?stream=1'],
      ['GET', '/containers/nobody/logs?stdout=1'],
      ['DELETE', '/containers/nobody'],
    ] as const) {
      assert.match(await refused(404, method, path), /No such container: nobody/, `${method} ${path}`);
    }
    assert.match(await refused(404, 'GET', '/images/nobody/json'), /No such image/);
    assert.match(await refused(404, 'GET', '/networks/nobody'), /network nobody not found/);
    assert.match(await refused(404, 'GET', '/volumes/nobody'), /no such volume/);
    assert.match(await refused(404, 'POST', '/exec/nobody/start', {}), /No such exec instance: nobody/);
  });

  it('refuses unknown endpoints, versions, queries and signals', async () => {
    await refused(404, 'GET', '/nonesuch');
    await refused(400, 'GET', '/v1.99/info');
    // Clients that old were answered in plain text.
    assert.equal((await stage.daemon.api('GET', '/v1.1/info')).status, 400);
    await refused(400, 'GET', '/containers/json?filters=%7B');
    await refused(400, 'GET', '/containers/json?filters=%7B%22nosuch%22%3A%5B%22x%22%5D%7D');
    await refused(400, 'GET', '/containers/json?limit=x');
    await stage.cli('run', '-d', '--name', 'box', 'busybox', 'sleep', '100');
    await refused(400, 'POST', '/containers/box/kill?signal=SIGNONE');
    await refused(400, 'GET', '/containers/box/logs');
    await refused(400, 'POST', '/containers/box/exec', { Cmd: [] });
    await refused(400, 'POST', '/containers/box/exec', {});
    await refused(400, 'POST', '/containers/box/resize?h=x&w=y');
    await refused([400, 409], 'DELETE', '/containers/box');
    await refused(409, 'POST', '/containers/box/unpause');
    await refused(400, 'POST', '/containers/box/rename?name=');
  });

  it('is not upset by what is not even HTTP', async () => {
    const { daemon } = stage;
    for (const text of [
      '\0\0\0\0',
      'GET\r\n\r\n',
      'POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n',
      'x'.repeat(100_000),
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(daemon.socket);
        socket.on('error', () => resolve());
        socket.on('close', () => resolve());
        socket.on('data', () => {});
        socket.end(text);
      });
    }
    assert.equal((await daemon.api('GET', '/_ping')).text, 'OK');
  });

  it('refuses archives that are none', async () => {
    const load = async (body: Buffer) => {
      const before = await everything();
      const answer = await stage.daemon.api('POST', '/images/load?quiet=1', body, {
        'content-type': 'application/x-tar',
      });
      assert.ok(answer.status >= 400 || /"error"/.test(answer.text), `${answer.status} ${answer.text}`);
      assert.deepEqual(await everything(), before);
    };
    await load(Buffer.from('this is no tar'));
    await load(Buffer.alloc(0));
    await load(await tar([{ name: 'manifest.json', content: '{' }]));
    await load(
      await tar([
        { name: 'manifest.json', content: '[{"Config":"gone.json","RepoTags":["x:y"],"Layers":[]}]' },
      ]),
    );
    await load(
      await tar([
        {
          name: 'manifest.json',
          content: '[{"Config":"../../../etc/passwd","RepoTags":["x:y"],"Layers":[]}]',
        },
      ]),
    );
    const whole = await buildImages(['busybox']);
    await load(whole.subarray(0, 100_000));
  });

  it('keeps tricks of archives inside the container', async () => {
    const { cli, daemon } = stage;
    await cli(
      'run',
      '-d',
      '--name',
      'box',
      'busybox',
      'sh',
      '-c',
      'mkdir /in; ln -s / /in/root; ln -s /tmp /in/tmp; sleep 100',
    );
    const outside = join('/tmp', `escaped-${daemon.pid}`);
    const name = outside.slice('/tmp/'.length);
    const up = '../'.repeat(20);
    const put = async (entries: Entry[]) =>
      daemon.api('PUT', '/containers/box/archive?path=/in', await tar(entries), {
        'content-type': 'application/x-tar',
      });
    await put([{ name: `${up}tmp/${name}`, content: 'escaped' }]);
    await put([{ name: `/tmp/${name}`, content: 'escaped' }]);
    await put([{ name: `root/tmp/${name}`, content: 'escaped' }]);
    await put([{ name: `tmp/${name}`, content: 'escaped' }]);
    await put([
      { name: 'link', type: 'symlink', linkname: `${up}tmp` },
      { name: `link/${name}`, content: 'escaped' },
    ]);
    await put([{ name: 'hard', type: 'link', linkname: `${up}etc/hostname` } as unknown as Entry]);
    assert.ok(!existsSync(outside), 'nothing was written on the host');
    const { stdout } = await cli.attempt(['exec', 'box', 'sh', '-c', 'cat /in/hard 2>/dev/null']);
    assert.equal(stdout, '', 'no file of the host is linked into it');
    const layer = await tar([{ name: `${up}tmp/${name}`, content: 'escaped' }]);
    const imported = await daemon.api('POST', '/images/create?fromSrc=-&repo=tricky', layer, {
      'content-type': 'application/x-tar',
    });
    assert.ok(!existsSync(outside), imported.text);
  });

  it('a device in an archive is of no use without permission', async () => {
    const { cli, daemon } = stage;
    const device = { name: 'vda', type: 'block-device', devmajor: 254, devminor: 0, mode: 0o666 };
    const layer = await tar([device as unknown as Entry]);
    const answer = await daemon.api('POST', '/images/create?fromSrc=-&repo=device', layer, {
      'content-type': 'application/x-tar',
    });
    if (answer.status === 200 && !answer.text.includes('"error"')) {
      await cli('create', '--name', 'box', 'busybox');
      const put = await daemon.api('PUT', '/containers/box/archive?path=/', layer, {
        'content-type': 'application/x-tar',
      });
      await cli('start', 'box');
      const { code } = await cli.attempt([
        'run',
        '--rm',
        '--volumes-from',
        'box',
        'busybox',
        'sh',
        '-c',
        'test -b /vda && head -c 1 /vda',
      ]);
      assert.notEqual(code, 0, put.text);
    }
    await daemon.api('DELETE', '/images/device?force=1');
    await daemon.api('DELETE', '/images/tricky?force=1');
  });

  it('nothing of a request goes through a shell', async () => {
    const { cli, daemon } = stage;
    const trap = `$(touch ${join(daemon.root, 'touched')})`;
    await cli.attempt([
      'run',
      '--rm',
      '-h',
      'x',
      '-e',
      `A=${trap}`,
      '-l',
      `k=${trap}`,
      '--add-host',
      `x;${trap}:1.2.3.4`,
      'busybox',
      'true',
    ]);
    await cli.attempt(['run', '--rm', '--name', `x;${trap}`, 'busybox', 'true']);
    await cli.attempt(['run', '--rm', '-p', `8080;${trap}:80`, 'busybox', 'true']);
    assert.equal(await cli('run', '--rm', 'busybox', 'echo', trap), trap);
    assert.ok(!existsSync(join(daemon.root, 'touched')));
  });

  it('the socket is only for root and its group', async () => {
    const { daemon, host } = stage;
    assert.equal(await host.ok('stat', '-c', '%a %U', daemon.socket), '660 root');
  });
});
