import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BpfInstruction } from '../../kernel/packet/index.ts';
import { compileFilter } from './compile.ts';
import { parseFilter } from './filter.ts';
import { FILTERS, FRAMES } from './frames.testing.ts';

/** The machine of linux/filter.h, as far as our programs use it; what it cannot load drops the packet. */
function execute(program: readonly BpfInstruction[], frame: Buffer, link = 0): number {
  let [a, x] = [0, 0];
  for (let at = 0; at < program.length; at++) {
    const { code, jt, jf, k } = program[at]!;
    const fits = (offset: number, size: number) => offset + size <= frame.length;
    const jump = (isTrue: boolean) => {
      at += isTrue ? jt : jf;
    };
    switch (code) {
      case 0x20:
        if (k === 0xfffff008) a = link;
        else if (fits(k, 4)) a = frame.readUInt32BE(k);
        else return 0;
        break;
      case 0x28:
      case 0x48: {
        const offset = code === 0x48 ? x + k : k;
        if (!fits(offset, 2)) return 0;
        a = frame.readUInt16BE(offset);
        break;
      }
      case 0x30:
        if (!fits(k, 1)) return 0;
        a = frame.readUInt8(k);
        break;
      case 0xb1:
        if (!fits(k, 1)) return 0;
        x = (frame.readUInt8(k) & 15) * 4;
        break;
      case 0x54:
        a = (a & k) >>> 0;
        break;
      case 0x15:
        jump(a === k);
        break;
      case 0x35:
        jump(a >= k);
        break;
      case 0x45:
        jump((a & k) !== 0);
        break;
      case 0x06:
        return k;
      default:
        assert.fail(`unknown instruction ${code}`);
    }
  }
  return assert.fail('the program has no end');
}

describe('filters', () => {
  for (const [text, meant] of FILTERS) {
    it(`\`${text}\``, () => {
      const program = compileFilter(parseFilter(text), 1000);
      const kept = Object.entries(FRAMES)
        .filter(([, frame]) => execute(program, frame) === 1000)
        .map(([name]) => name);
      assert.deepEqual(kept, meant);
    });
  }

  it('without a filter every frame is kept, and only of the interfaces that were asked for', () => {
    const all = compileFilter(undefined, 64);
    const some = compileFilter(parseFilter('tcp'), 64, [3, 7]);
    for (const frame of Object.values(FRAMES)) assert.equal(execute(all, frame), 64);
    assert.deepEqual(
      [3, 4, 7].map((link) => execute(some, FRAMES.request, link)),
      [64, 0, 64],
    );
    assert.equal(execute(some, FRAMES.ping, 3), 0);
    assert.equal(execute(compileFilter(undefined, 64, []), FRAMES.ping), 0);
  });

  it('a host may be named as a container is, and is then any of its addresses', () => {
    const names: Record<string, string[]> = { web: ['172.17.0.2', 'fd00::2'], port: ['10.0.0.9'] };
    const parse = (text: string) => parseFilter(text, (name) => names[name] ?? []);
    assert.deepEqual(parse('src host web'), parseFilter('src host 172.17.0.2 or src host fd00::2'));
    assert.deepEqual(parse('tcp and host port'), parseFilter('tcp and host 10.0.0.9'));
    assert.throws(() => parse('host nobody'), /: at "nobody" /);
  });

  it('the word that is not understood is named', () => {
    const wrong: Array<[string, RegExp]> = [
      ['tcp prt 80', /^invalid filter "tcp prt 80": at "prt" \(it is made of /],
      ['port', /: it ends too early \(it is made of /],
      ['port 70000', /: at "70000" \(it is made of /],
      ['portrange 9-8', /: at "9-8" \(it is made of /],
      ['host nobody', /: at "nobody" \(it is made of /],
      ['net 10.0.0.0', /: at "10.0.0.0" \(it is made of /],
      ['(tcp', /: it ends too early \(it is made of /],
      ['tcp)', /: at "\)" \(it is made of /],
      ['tcp & udp', /: at "&" \(it is made of /],
      ['icmp port 80', /: at "port" \(it is made of /],
      ['src tcp', /: at "tcp" \(it is made of /],
      [`${'('.repeat(60)}tcp`, /nested more than 50 deep$/],
    ];
    for (const [text, message] of wrong) assert.throws(() => parseFilter(text), { message });
    assert.equal(parseFilter('  '), undefined);
    const long = Array.from({ length: 300 }, (_, index) => `port ${index}`).join(' or ');
    assert.throws(() => compileFilter(parseFilter(long), 64), /the filter is too long/);
  });
});
