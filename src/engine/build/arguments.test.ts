import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuildArguments } from './arguments.ts';

describe('BuildArguments', () => {
  it('gives what was given, then the default; before a declaration nothing', () => {
    const args = new BuildArguments({ a: 'given', nothing: null });
    assert.equal(args.get('a'), undefined);
    args.declare('a', 'default');
    args.declare('b', 'default');
    args.declare('nothing', undefined);
    assert.deepEqual([args.get('a'), args.get('b'), args.get('nothing')], ['given', 'default', undefined]);
    args.nextStage();
    assert.equal(args.get('a'), undefined);
  });

  it('shows those of the head to FROM lines, and to stages that declare them again', () => {
    const args = new BuildArguments({ v: '2' });
    args.declareInHead('v', '1');
    args.declareInHead('w', '1');
    assert.deepEqual([args.ofHead('v'), args.ofHead('w'), args.ofHead('x')], ['2', '1', undefined]);
    assert.equal(args.get('v'), undefined);
    args.declare('v', undefined);
    args.declare('w', undefined);
    assert.deepEqual([args.get('v'), args.get('w')], ['2', '1']);
  });

  it('knows the proxies without a declaration, and keeps them out of what is shown', () => {
    const args = new BuildArguments({ http_proxy: 'http://p', b: '2', a: '1', c: '3' });
    for (const name of ['b', 'a', 'c']) args.declare(name, undefined);
    assert.deepEqual(args.variables(['c=own'], { shown: false }), ['a=1', 'b=2', 'http_proxy=http://p']);
    assert.deepEqual(args.variables(['c=own'], { shown: true }), ['a=1', 'b=2']);
    args.declare('http_proxy', undefined);
    assert.deepEqual(args.variables([], { shown: true }), ['a=1', 'b=2', 'c=3', 'http_proxy=http://p']);
  });

  it('tells which were given in vain', () => {
    const args = new BuildArguments({ z: '1', used: '1', head: '1', NO_PROXY: 'x', a: '1' });
    args.declare('used', undefined);
    args.declareInHead('head', undefined);
    args.nextStage();
    assert.deepEqual(args.unused, ['a', 'z']);
  });
});
