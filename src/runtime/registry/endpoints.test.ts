import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { endpointsOf, InsecureRegistries } from './endpoints.ts';

const urls = async (domain: string, insecureRegistries: string[] = [], mirrors: string[] = []) => {
  const list = await endpointsOf(
    domain,
    { insecureRegistries, mirrors },
    new InsecureRegistries(insecureRegistries),
  );
  return list.map(
    ({ url, mirror, insecure }) => `${url.href}${mirror ? ' mirror' : ''}${insecure ? ' insecure' : ''}`,
  );
};

describe('endpointsOf()', () => {
  test('knows where Docker Hub is, and asks its mirrors first', async () => {
    assert.deepEqual(await urls('docker.io', [], ['https://mirror.local', 'http://10.0.0.1:5000/hub/']), [
      'https://mirror.local/ mirror',
      'http://10.0.0.1:5000/hub/ mirror insecure',
      'https://registry-1.docker.io/',
    ]);
    assert.deepEqual(await urls('registry.local', [], ['https://mirror.local']), ['https://registry.local/']);
  });
  test('tries plain HTTP on loopback, and where it is configured', async () => {
    const both = (host: string) => [`https://${host}/ insecure`, `http://${host}/ insecure`];
    assert.deepEqual(await urls('127.9.9.9:5000'), both('127.9.9.9:5000'));
    assert.deepEqual(await urls('localhost:5000'), both('localhost:5000'));
    assert.deepEqual(await urls('[::1]:5000'), both('[::1]:5000'));
    assert.deepEqual(await urls('10.1.2.3:5000', ['10.0.0.0/8']), both('10.1.2.3:5000'));
    assert.deepEqual(await urls('host.invalid:5000', ['host.invalid:5000']), both('host.invalid:5000'));
    assert.deepEqual(await urls('11.1.2.3:5000', ['10.0.0.0/8']), ['https://11.1.2.3:5000/']);
    assert.deepEqual(await urls('host.invalid:5001', ['host.invalid:5000']), ['https://host.invalid:5001/']);
  });
});
