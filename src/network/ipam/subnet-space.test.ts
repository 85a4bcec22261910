import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isKind } from '../../base/errors.ts';
import { Prefix } from '../../base/prefix.ts';
import { seededRandom } from './seeded-random.testing.ts';
import { SubnetSpace } from './subnet-space.ts';

const prefix = Prefix.parse;

describe('SubnetSpace', () => {
  test("gives Docker's subnets in Docker's order, until all are taken", () => {
    const space = new SubnetSpace();
    const given = Array.from({ length: 31 }, () => space.allocate(4).toString());
    assert.deepEqual(given.slice(0, 3), ['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16']);
    assert.deepEqual(given.slice(14, 17), ['172.31.0.0/16', '192.168.0.0/20', '192.168.16.0/20']);
    assert.equal(given[30], '192.168.240.0/20');
    assert.throws(
      () => space.allocate(4),
      (error) =>
        isKind(error, 'invalid') &&
        error.message === 'all predefined address pools have been fully subnetted',
    );
    space.release(prefix('172.20.0.0/16'));
    assert.equal(space.allocate(4).toString(), '172.20.0.0/16');
  });

  test('passes over what the host uses, and takes what it discards when nothing else is left', () => {
    const space = new SubnetSpace();
    const avoid = ['172.17.4.0/24', '172.18.0.0/15', 'fd00::/8'].map(prefix);
    assert.equal(space.allocate(4, { avoid }).toString(), '172.20.0.0/16');
    assert.equal(
      space.allocate(4, { avoid: ['172.16.0.0/12', '192.168.0.0/17'].map(prefix) }).toString(),
      '192.168.128.0/20',
    );
    const [most, rest] = [prefix('172.16.0.0/12'), prefix('192.168.0.0/16')];
    assert.equal(space.allocate(4, { discouraged: [most] }).toString(), '192.168.0.0/20');
    assert.equal(space.allocate(4, { discouraged: [most, rest] }).toString(), '172.17.0.0/16');
    assert.throws(
      () => space.allocate(4, { avoid: [most], discouraged: [rest], size: 15 }),
      /fully subnetted/,
    );
  });

  test('cuts the pools to another size when asked', () => {
    const space = new SubnetSpace([{ base: prefix('10.10.0.0/16'), size: 24 }]);
    assert.equal(space.allocate(4).toString(), '10.10.0.0/24');
    assert.equal(space.allocate(4, { size: 20 }).toString(), '10.10.16.0/20');
    assert.equal(space.allocate(4).toString(), '10.10.1.0/24');
    assert.throws(() => space.allocate(4, { size: 8 }), /fully subnetted/);
  });

  test('refuses a subnet that overlaps another, in Docker words', () => {
    const space = new SubnetSpace();
    space.request(prefix('10.1.0.0/16'));
    for (const text of ['10.1.0.0/16', '10.1.2.0/24', '10.0.0.0/8']) {
      assert.throws(
        () => space.request(prefix(text)),
        (error) =>
          isKind(error, 'forbidden') &&
          error.message === 'invalid pool request: Pool overlaps with other one on this address space',
        text,
      );
    }
    space.request(prefix('10.2.0.0/16'));
    space.request(prefix('fd00::/64'));
    assert.equal(space.overlaps(prefix('fd00::/8')), true);
  });

  test('`restore()` may be repeated', () => {
    const space = new SubnetSpace();
    space.restore(prefix('172.17.0.0/16'));
    space.restore(prefix('172.17.0.0/16'));
    assert.equal(space.allocate(4).toString(), '172.18.0.0/16');
  });

  test('refuses pools that cannot be cut', () => {
    assert.throws(() => new SubnetSpace([{ base: prefix('10.0.0.0/16'), size: 8 }]), /cannot be cut/);
    assert.throws(() => new SubnetSpace([{ base: prefix('10.0.0.0/16'), size: 33 }]), /cannot be cut/);
  });

  test('gives IPv6 subnets out of a /48', () => {
    const space = new SubnetSpace([{ base: prefix('fd12:3456:789a::/48'), size: 64 }]);
    assert.equal(space.allocate(6).toString(), 'fd12:3456:789a::/64');
    assert.equal(space.allocate(6).toString(), 'fd12:3456:789a:1::/64');
  });

  test('never gives two subnets that overlap, nor one to avoid, in 2,000 random steps', () => {
    const random = seededRandom(24);
    const space = new SubnetSpace([{ base: prefix('10.0.0.0/18'), size: 26 }]);
    let held: Prefix[] = [];
    for (let step = 0; step < 2_000; step++) {
      const size = 22 + random(8);
      const somewhere = new Prefix(prefix('10.0.0.0/18').at(random(2 ** 14)), size);
      if (random(3) === 0) {
        const gone = held[random(held.length)];
        if (gone === undefined) continue;
        held = held.filter((other) => other !== gone);
        space.release(gone);
      } else if (random(4) === 0) {
        const clashes = held.some((other) => other.overlaps(somewhere));
        if (clashes) assert.throws(() => space.request(somewhere));
        else {
          space.request(somewhere);
          held.push(somewhere);
        }
      } else {
        let given: Prefix;
        try {
          given = space.allocate(4, { size, avoid: [somewhere] });
        } catch {
          const all = [...prefix('10.0.0.0/18').subnets(size)];
          assert.ok(all.every((s) => s.overlaps(somewhere) || held.some((other) => other.overlaps(s))));
          continue;
        }
        assert.equal(given.overlaps(somewhere), false);
        assert.equal(
          held.some((other) => other.overlaps(given)),
          false,
        );
        held.push(given);
      }
    }
  });

  test('gives 5,000 networks their subnets in order', () => {
    const space = new SubnetSpace([{ base: prefix('10.0.0.0/8'), size: 24 }]);
    for (let count = 0; count < 5_000; count++) space.allocate(4);
    assert.equal(space.allocate(4).toString(), '10.19.136.0/24');
  });
});
