import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PipePool } from './pipe.ts';

const OPTIONS = { capacity: 1 << 16, budget: 1 << 20 };

describe('PipePool', () => {
  it('lends a pipe that came back empty to the next taker', () => {
    const pool = new PipePool({ ...OPTIONS, spares: 4 });
    const pipe = pool.take()!;
    pool.give(pipe);
    assert.equal(pool.take(), pipe);
    assert.equal(pool.descriptors, 2);
    pool.give(pipe);
    pool.drain();
    assert.equal(pool.descriptors, 0);
  });

  it('never lends a pipe out again that still holds somebody’s data', () => {
    const pool = new PipePool({ ...OPTIONS, spares: 4 });
    const pipe = pool.take()!;
    pipe.buffered = 1;
    pool.give(pipe);
    assert.equal(pool.descriptors, 0);
    assert.notEqual(pool.take(), pipe);
    pool.drain();
  });

  it('keeps no more spares than it may', () => {
    const pool = new PipePool({ ...OPTIONS, spares: 1 });
    const pipes = [pool.take()!, pool.take()!, pool.take()!];
    assert.equal(pool.descriptors, 6);
    for (const pipe of pipes) pool.give(pipe);
    assert.equal(pool.descriptors, 2);
    pool.drain();
  });

  it('`portion` is the capacity until the budget is used up, then a share of it, and never tiny', () => {
    const pool = new PipePool({ capacity: 1 << 18, spares: 0, budget: 1 << 20 });
    assert.equal(pool.portion, 1 << 18);
    const pipes = Array.from({ length: 4 }, () => pool.take()!);
    assert.equal(pool.portion, 1 << 18);
    pipes.push(...Array.from({ length: 4 }, () => pool.take()!));
    assert.equal(pool.portion, 1 << 17);
    pipes.push(...Array.from({ length: 32 }, () => pool.take()!));
    assert.equal(pool.portion, 1 << 16);
    for (const pipe of pipes) pool.give(pipe);
    assert.equal(pool.portion, 1 << 18);
  });
});
