/** An application of three services as `docker-compose` brings it up and down: they find each other by name. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { run } from '../harness/exec.ts';
import { HOST_IP } from '../harness/host.ts';
import { useStage } from '../harness/stage.ts';

const COMPOSE = '/usr/bin/docker-compose';

/** The store is out of the front's reach; the application is on both networks. */
const APPLICATION = `
version: "3.7"
services:
  store:
    image: web
    networks: { back: { aliases: [db] } }
  app:
    image: ubuntu
    depends_on: [store]
    command: ["bash", "-c", "trap 'exit 0' TERM; mkdir -p /www; until curl -sS -m2 http://db/ >/www/index.html; do sleep .1; done; httpd -f -p 80 -h /www & wait"]
    networks: [front, back]
  front:
    image: nginx
    depends_on: [app]
    ports: ["8080:80"]
    networks: [front]
networks:
  front: {}
  back: { internal: true }
`;

describe('docker-compose', { skip: existsSync(COMPOSE) ? false : `${COMPOSE} is not installed` }, () => {
  const stage = useStage({ name: 'compose', images: ['busybox', 'web', 'ubuntu', 'nginx'] });

  it('brings three services up by name, and takes all of them down again', async () => {
    const { cli, daemon, host } = stage;
    const folder = join(daemon.root, 'shop');
    mkdirSync(folder);
    const file = join(folder, 'docker-compose.yml');
    writeFileSync(file, APPLICATION);
    const compose = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(
        [COMPOSE, '-f', file, '-H', `unix://${daemon.socket}`, ...args],
        { timeout: 60_000, env: { ...cli.env, DOCKER_HOST: undefined } },
      );
      assert.equal(code, 0, `docker-compose ${args.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    };
    await compose('up', '-d');
    const networks = () => cli('network', 'ls', '--filter', 'type=custom', '--format', '{{.Name}}');
    assert.deepEqual((await networks()).split('\n').sort(), ['shop_back', 'shop_front']);
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    // By the service's name, the container's and the alias; what `app` tells it has from `store`.
    const get = (from: string, url: string) =>
      cli('exec', from, 'curl', '-sS', '--retry', '9', '--retry-connrefused', '--max-time', '5', url);
    const [app] = (
      await cli('ps', '--filter', 'label=com.docker.compose.service=app', '--format', '{{.Names}}')
    ).split('\n');
    const [front] = (
      await cli('ps', '--filter', 'label=com.docker.compose.service=front', '--format', '{{.Names}}')
    ).split('\n');
    assert.match(await get(front ?? '', 'http://app/'), /^hello from/);
    assert.match(await get(app ?? '', 'http://store/'), /^hello from/);
    assert.match(await get(app ?? '', 'http://db.shop_back/'), /^hello from/);
    const { code } = await cli.attempt([
      'exec',
      front ?? '',
      'curl',
      '-sS',
      '--max-time',
      '2',
      'http://store/',
    ]);
    assert.notEqual(code, 0, 'the front does not see the store');
    assert.match(await compose('ps'), /0\.0\.0\.0:8080->80\/tcp/);
    // What has changed is made anew and found by its name at once; what has not stays.
    writeFileSync(file, APPLICATION.replace('8080:80', '8082:80').replace('[db]', '[db, storage]'));
    await compose('up', '-d');
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8082/`), /^hello/);
    assert.match(await get(app ?? '', 'http://storage/'), /^hello from/);
    assert.match(await compose('ps'), /app_1 .*\n.*front_1 .* 0\.0\.0\.0:8082->80\/tcp/);
    await assert.rejects(host.world.ok('curl', '-sS', '-m', '2', `http://${HOST_IP}:8080/`));
    assert.match(await compose('up', '-d', '--scale', 'store=2'), /^$/);
    assert.equal(
      (await cli('ps', '-q', '--filter', 'label=com.docker.compose.service=store')).split('\n').length,
      2,
    );
    await compose('restart', '-t', '1', 'front');
    assert.match(await host.world.getSoon(`http://${HOST_IP}:8082/`), /^hello/);
    await compose('down', '-t', '1');
    assert.equal(await networks(), '');
    assert.equal(await cli('ps', '-aq'), '');
  });
});
