import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isKind } from '../base/errors.ts';
import { probeFeature, probeFeatures, readKernelConfig, requireFeature } from './features.ts';

it('`probeFeatures()` answers for every feature, and says what it needs', () => {
  const features = probeFeatures();
  assert.equal(new Set(features.map(({ name }) => name)).size, features.length);
  for (const { name, available, needs } of features) {
    assert.ok(available === true || available === false || available === undefined, name);
    assert.match(needs, /CONFIG_\w+|Linux \d/);
  }
  assert.deepEqual(
    probeFeature('seccomp'),
    features.find(({ name }) => name === 'seccomp'),
  );
});

it('`requireFeature()` names kernel and option when a feature is missing, and is silent otherwise', () => {
  for (const { name, available } of probeFeatures()) {
    if (available === false) {
      assert.throws(
        () => requireFeature(name, 'publish 80/sctp'),
        (error) =>
          isKind(error, 'unavailable') && /^publish 80\/sctp: this kernel .* needs /.test(error.message),
      );
    } else {
      requireFeature(name, 'anything');
    }
  }
});

it('`readKernelConfig()` knows options that are set and that are not', (test) => {
  const config = readKernelConfig();
  if (!config) return test.skip('this system keeps no copy of the configuration');
  assert.match(config.get('CONFIG_NET') ?? '', /^y$/);
  assert.ok([...config.values()].includes('n'));
});
