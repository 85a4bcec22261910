import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ImageRunConfig } from '../../runtime/registry/descriptor.ts';
import { applyChanges } from './changes.ts';

describe('applyChanges()', () => {
  const rows: Array<[changes: string[], expected: ImageRunConfig]> = [
    [['CMD ["a", "b c"]'], { Cmd: ['a', 'b c'] }],
    [['cmd echo  $HOME'], { Cmd: ['/bin/sh', '-c', 'echo  $HOME'] }],
    [['CMD [not json'], { Cmd: ['/bin/sh', '-c', '[not json'] }],
    [['ENTRYPOINT ["x"]'], { Entrypoint: ['x'] }],
    [['CMD ["a"]', 'ENTRYPOINT ["x"]'], { Cmd: ['a'], Entrypoint: ['x'] }],
    [['ENV A=1 B="two words" C=three\\ words'], { Env: ['A=1', 'B=two words', 'C=three words'] }],
    [['ENV A the old form'], { Env: ['A=the old form'] }],
    [['ENV A=1', 'ENV A=2 B=$A'], { Env: ['A=2', 'B=1'] }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the Dockerfile's
    [["ENV A=x B=${A:-y} C='$A' D=\\$A"], { Env: ['A=x', 'B=y', 'C=$A', 'D=$A'] }],
    [['LABEL a=b "c d"="e f"'], { Labels: { a: 'b', 'c d': 'e f' } }],
    [
      ['EXPOSE 80 53/udp 8000-8002'],
      { ExposedPorts: ports('80/tcp', '53/udp', '8000/tcp', '8001/tcp', '8002/tcp') },
    ],
    [['VOLUME /a /b'], { Volumes: { '/a': {}, '/b': {} } }],
    [['VOLUME ["/a b"]'], { Volumes: { '/a b': {} } }],
    [['USER me:us'], { User: 'me:us' }],
    [['WORKDIR /a', 'WORKDIR b/../c'], { WorkingDir: '/a/c' }],
    [['WORKDIR rel'], { WorkingDir: '/rel' }],
    [['STOPSIGNAL SIGQUIT'], { StopSignal: 'SIGQUIT' }],
    [['STOPSIGNAL 9'], { StopSignal: '9' }],
    [['STOPSIGNAL RTMIN+3'], { StopSignal: 'RTMIN+3' }],
    [['ONBUILD RUN x', 'ONBUILD ADD . /'], { OnBuild: ['RUN x', 'ADD . /'] }],
    [['HEALTHCHECK NONE'], { Healthcheck: { Test: ['NONE'] } }],
    [
      ['HEALTHCHECK --interval=1m30s --timeout=500ms --retries=4 CMD curl -f http://x'],
      { Healthcheck: { Interval: 90e9, Timeout: 5e8, Retries: 4, Test: ['CMD-SHELL', 'curl -f http://x'] } },
    ],
    [['HEALTHCHECK CMD ["a", "b"]'], { Healthcheck: { Test: ['CMD', 'a', 'b'] } }],
    [['# a comment\nENV A=1 \\\n  B=2\n\nUSER x'], { Env: ['A=1', 'B=2'], User: 'x' }],
  ];
  for (const [changes, expected] of rows) {
    test(`takes ${JSON.stringify(changes)}`, () => {
      assert.deepEqual(applyChanges({}, changes), expected);
    });
  }

  test('changes a copy, and drops an inherited CMD with a new ENTRYPOINT', () => {
    const before: ImageRunConfig = { Cmd: ['old'], Env: ['A=1', 'B=2'] };
    const after = applyChanges(before, ['ENTRYPOINT ["x"]', 'ENV B=3']);
    assert.deepEqual(before, { Cmd: ['old'], Env: ['A=1', 'B=2'] });
    assert.deepEqual(after, { Entrypoint: ['x'], Env: ['A=1', 'B=3'] });
  });

  for (const [change, message] of [
    ['RUN x', 'run is not a valid change command'],
    ['FROM x', 'from is not a valid change command'],
    ['CMD', 'CMD requires at least one argument'],
    ['ENV A', 'ENV must have two arguments'],
    ['ENV A=1 B', /can't find = in "B"/],
    ['ENV =1', 'ENV names can not be blank'],
    ['ENV A="x', /looking for matching "/],
    ['ENV A=${B', /unclosed substitution/],
    ['EXPOSE http', 'invalid containerPort: http'],
    ['EXPOSE 0', /invalid containerPort/],
    ['EXPOSE 65536', /invalid containerPort/],
    ['EXPOSE 90-80', /invalid containerPort/],
    ['USER a b', 'USER requires exactly one argument'],
    ['STOPSIGNAL SIGNOTHING', 'invalid signal: SIGNOTHING'],
    ['STOPSIGNAL 65', 'invalid signal: 65'],
    ['ONBUILD ONBUILD RUN x', /Chaining ONBUILD/],
    ['ONBUILD FROM x', "FROM isn't allowed as an ONBUILD trigger"],
    ['HEALTHCHECK CMD', 'missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK x', /unknown type "x"/],
    ['HEALTHCHECK --interval=1 CMD x', 'invalid duration "1"'],
    ['HEALTHCHECK --interval=1us CMD x', /cannot be less than 1ms/],
    ['HEALTHCHECK --colour=1 CMD x', /bad option/],
  ] as Array<[string, string | RegExp]>) {
    test(`refuses '${change}'`, () => {
      assert.throws(() => applyChanges({}, [change]), { kind: 'invalid', message });
    });
  }
});

function ports(...names: string[]): Record<string, Record<string, never>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
