import assert from 'node:assert/strict';
import { it } from 'node:test';
import { commentOf } from './comment.ts';

it('`commentOf()` shows a step as Docker does', () => {
  const draft = {
    config: { Env: ['a=1'], Shell: ['/bin/ash', '-c'] },
    cmdSet: false,
    lookup: (name: string) => (name === 'arg' ? '2' : undefined),
  };
  // From a dockerd 20.10, but for the words of the shell.
  const cases: ReadonlyArray<[string, string, string]> = [
    ['ENV', 'w=$arg q="a b"', 'ENV w=2 q=a b'],
    ['ENV', 'old style value', 'ENV old=style value'],
    ['LABEL', `l=$a "m n"='x y'`, 'LABEL l=1 m n=x y'],
    ['CMD', 'c d', 'CMD ["/bin/ash" "-c" "c d"]'],
    ['ENTRYPOINT', '["e", "f"]', 'ENTRYPOINT ["e" "f"]'],
    ['VOLUME', '/v$a /w', 'VOLUME [/v1 /w]'],
    ['VOLUME', '["/v3"]', 'VOLUME [/v3]'],
    ['EXPOSE', '80 90/udp', 'EXPOSE 80 90/udp'],
    ['USER', '$arg', 'USER 2'],
    ['ONBUILD', 'RUN $a', 'ONBUILD RUN $a'],
  ];
  for (const [name, rest, expected] of cases) assert.equal(commentOf(draft, name, rest), expected);
});
