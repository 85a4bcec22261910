import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDockerfile } from './dockerfile.ts';

const shown = (source: string) =>
  parseDockerfile(source).stages.flatMap(({ from, instructions }) =>
    [from, ...instructions].map(({ line, name, rest }) => `${line} ${name} ${rest}`),
  );

describe('parseDockerfile()', () => {
  it('joins continued lines, leaving out comments and empty lines between them', () => {
    const source = [
      '\uFEFF# a comment',
      'from busybox',
      '',
      'RUN a && \\  ',
      '  # not for the shell',
      '',
      '    b \\',
      '# nor this',
      '  c # but this',
      'CMD ["x"]\r',
      'ENV a=b\\',
    ].join('\n');
    assert.deepEqual(shown(source), [
      '2 FROM busybox',
      '4 RUN a &&     b   c # but this',
      '10 CMD ["x"]',
      '11 ENV a=b',
    ]);
  });

  it('takes the backtick when the escape directive says so', () => {
    const source = '# syntax=docker/dockerfile:1\n# escape=`\nFROM x\nRUN dir c:\\\nRUN a `\n b';
    assert.deepEqual(shown(source), ['3 FROM x', '4 RUN dir c:\\', '5 RUN a  b']);
    assert.equal(parseDockerfile(source).escapeChar, '`');
    // After a line that is no directive it is a comment.
    assert.equal(parseDockerfile('#\n# escape=`\nFROM x').escapeChar, '\\');
    assert.throws(() => parseDockerfile('# escape=/\nFROM x'), /line 1: invalid ESCAPE '\/'/);
  });

  it('divides into stages, with names, and what comes before them', () => {
    const { head, stages } = parseDockerfile(
      'ARG V=1\nFROM --platform=linux/amd64 a:$V AS Build\nRUN x\nFROM scratch\nCOPY --from=build --chown=1:2 /x /y',
    );
    assert.deepEqual(
      head.map(({ name, rest }) => `${name} ${rest}`),
      ['ARG V=1'],
    );
    assert.deepEqual(
      stages.map(({ name, base, from, instructions }) => [name, base, from.flags.size, instructions.length]),
      [
        ['build', 'a:$V', 1, 1],
        ['', 'scratch', 0, 1],
      ],
    );
    const [copy] = stages[1]?.instructions ?? [];
    assert.deepEqual(copy === undefined ? [] : [[...copy.flags], copy.rest], [
      [
        ['from', 'build'],
        ['chown', '1:2'],
      ],
      '/x /y',
    ]);
  });

  it('says which line is wrong', () => {
    const cases: ReadonlyArray<[string, RegExp]> = [
      ['', /file with no instructions/],
      ['# only\n', /file with no instructions/],
      ['RUN x', /line 1: no build stage in current context/],
      ['ARG x', /no build stage in current context/],
      ['FROM x\n\nFOO bar', /line 3: unknown instruction: FOO/],
      ['FROM x\nRUN', /line 2: RUN requires at least one argument/],
      ['FROM x y', /line 1: FROM requires either one or three arguments/],
      ['FROM x AS 1a', /invalid name for build stage: "1a"/],
      ['FROM --foo=1 x', /unknown flag: foo/],
      ['FROM x\nRUN <<EOF\necho\nEOF', /line 2: RUN: here-documents \(<<\) require BuildKit/],
      ['FROM x\nCOPY <<"EOF" /a\nb\nEOF', /line 2: COPY: here-documents/],
    ];
    for (const [source, expected] of cases) assert.throws(() => parseDockerfile(source), expected, source);
    // A shift and a here-string are no here-documents.
    assert.equal(shown('FROM x\nRUN echo $((1 << 2)) && cat <<< a').length, 2);
  });
});
