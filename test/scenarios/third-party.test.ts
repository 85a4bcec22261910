/** Clients that know nothing of us: Debian's python3-docker and dockerode. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import Docker from 'dockerode';
import { run } from '../harness/exec.ts';
import { HOST_IP } from '../harness/host.ts';
import { useStage } from '../harness/stage.ts';

/** Debian's own interpreter: another one on the path would not have the package. */
const PYTHON = '/usr/bin/python3';

const SCRIPT = `
import sys, docker
client = docker.DockerClient(base_url='unix://' + sys.argv[1])
assert client.ping()
assert client.info()['ServerVersion']
assert [image.tags for image in client.images.list(name='busybox')] == [['busybox:latest']]
output = client.containers.run('busybox', ['echo', 'hello'], remove=True)
assert output == b'hello\\n', output
box = client.containers.run('busybox', ['sleep', '1000'], name='py', detach=True, environment={'A': 'b'},
                            ports={'80/tcp': 8090}, labels={'k': 'v'}, mem_limit='64m')
box.reload()
assert box.status == 'running', box.status
assert box.attrs['NetworkSettings']['IPAddress'] == '172.17.0.2'
assert box.ports['80/tcp'][0] == {'HostIp': '0.0.0.0', 'HostPort': '8090'}, box.ports
assert box.attrs['HostConfig']['Memory'] == 64 * 1024 * 1024
code, output = box.exec_run(['sh', '-c', 'echo $A; echo bad >&2; exit 3'], demux=True)
assert (code, output) == (3, (b'b\\n', b'bad\\n')), (code, output)
assert [c.name for c in client.containers.list(filters={'label': 'k=v'})] == ['py']
assert box.top()['Processes']
assert box.stats(stream=False)['memory_stats']
box.rename('pyre')
box.stop(timeout=0)
assert box.wait()['StatusCode'] == 137
try:
    client.containers.run('busybox', ['sh', '-c', 'echo gone >&2; exit 4'], stderr=True)
    raise SystemExit('it did not raise')
except docker.errors.ContainerError as error:
    assert error.exit_status == 4
try:
    client.containers.get('nobody')
    raise SystemExit('it did not raise')
except docker.errors.NotFound as error:
    assert 'No such container: nobody' in error.explanation
assert client.networks.get('bridge').attrs['IPAM']['Config'][0]['Subnet'] == '172.17.0.0/16'
box.remove(v=True)
for c in client.containers.list(all=True): c.remove(force=True)
assert client.containers.list(all=True) == []
print('all well')
`;

describe('Clients of others', () => {
  const stage = useStage({ images: ['busybox', 'nginx'] });

  it('python3-docker runs, inspects, execs and removes', async (t) => {
    if (!existsSync('/usr/lib/python3/dist-packages/docker/__init__.py')) {
      t.skip('python3-docker is not installed');
      return;
    }
    const { code, stdout, stderr } = await run([PYTHON, '-c', SCRIPT, stage.daemon.socket]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'all well\n');
  });

  it('dockerode runs, inspects, execs and removes', async () => {
    const docker = new Docker({ socketPath: stage.daemon.socket });
    const container = await docker.createContainer({
      Image: 'nginx',
      name: 'rode',
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8091' }] } },
    });
    await container.start();
    const shown = await container.inspect();
    assert.equal(shown.State.Status, 'running');
    assert.equal(shown.NetworkSettings.Networks.bridge?.IPAddress, '172.17.0.2');
    assert.match(await stage.host.world.getSoon(`http://${HOST_IP}:8091/`), /^hello/);
    const exec = await container.exec({
      Cmd: ['sh', '-c', 'cat; echo done'],
      AttachStdin: true,
      AttachStdout: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    let output = '';
    const sink = { write: (chunk: Buffer) => (output += chunk.toString()) };
    docker.modem.demuxStream(stream, sink as never, sink as never);
    stream.end('typed\n');
    await new Promise((resolve) => stream.on('end', resolve));
    assert.equal(output, 'typed\ndone\n');
    assert.equal((await exec.inspect()).ExitCode, 0);
    const events: string[] = [];
    const feed = await docker.getEvents({ filters: { container: ['rode'] } });
    feed.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n'))
        events.push((JSON.parse(line) as { Action: string }).Action);
    });
    await container.stop();
    await container.remove();
    await new Promise((resolve) => setTimeout(resolve, 200));
    (feed as unknown as { destroy(): void }).destroy();
    for (const action of ['kill', 'die', 'stop', 'destroy'])
      assert.ok(events.includes(action), `${action} of ${events}`);
    await assert.rejects(
      docker.getContainer('rode').inspect(),
      (error: { statusCode: number }) => error.statusCode === 404,
    );
  });
});
