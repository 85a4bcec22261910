import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Template } from './template.ts';
import { fromJson } from './values.ts';

const container = fromJson({
  Id: 'abc',
  Name: '/web',
  State: { Pid: 42, Running: true, Error: '' },
  Config: { Cmd: ['sleep', '10'], Entrypoint: null, Labels: { b: '2', a: '1' } },
  HostConfig: {
    Binds: null,
    Init: null,
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    PortBindings: null,
  },
  NetworkSettings: {
    Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '81/tcp': null },
    Networks: { bridge: { IPAddress: '172.17.0.2' } },
  },
});

/** What each template makes of the container; taken from `docker inspect -f`. */
const GOLDEN: Array<[template: string, text: string]> = [
  ['plain', 'plain'],
  ['{{.Id}}', 'abc'],
  ['{{.ID}}', 'abc'],
  ['{{.State.Pid}} {{.State.Running}}', '42 true'],
  [
    '{{.Config.Cmd}} {{.Config.Entrypoint}} {{.HostConfig.Binds}} {{.HostConfig.Init}} {{.HostConfig.PortBindings}}',
    '[sleep 10] [] [] <nil> map[]',
  ],
  ['{{.Config.Labels}} {{.Config.Labels.a}} {{.Config.Labels.zzz}}', 'map[a:1 b:2] 1 <no value>'],
  ['{{index .Config.Labels "b"}}|{{index .Config.Labels "zzz"}}|{{index .Config.Cmd 1}}', '2||10'],
  ['{{.NetworkSettings.Ports}}', 'map[80/tcp:[{0.0.0.0 8080}] 81/tcp:[]]'],
  ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', '8080'],
  [
    '{{range $name, $net := .NetworkSettings.Networks}}{{$name}}={{$net.IPAddress}}{{end}}',
    'bridge=172.17.0.2',
  ],
  ['{{range .Config.Cmd}}[{{.}}]{{end}}', '[sleep][10]'],
  ['{{range .HostConfig.Binds}}x{{else}}none{{end}}', 'none'],
  ['{{range $i, $c := .Config.Cmd}}{{if $i}},{{end}}{{$c}}{{end}}', 'sleep,10'],
  ['{{range .Config.Cmd}}{{.}}{{break}}{{end}}', 'sleep'],
  ['{{range .Config.Cmd}}{{if eq . "sleep"}}{{continue}}{{end}}{{.}}{{end}}', '10'],
  ['{{with .State}}{{.Pid}}{{$.Id}}{{end}}', '42abc'],
  ['{{if .State.Health}}{{.State.Health.Status}}{{else if .State.Running}}up{{else}}down{{end}}', 'up'],
  ['{{if and .State.Running (gt .State.Pid 1)}}yes{{end}}', 'yes'],
  ['{{or .State.Error "no error"}} {{not .State.Running}}', 'no error false'],
  ['{{and .HostConfig.Binds (index .HostConfig.Binds 5)}}', '[]'],
  ['{{eq .Id "x" "abc"}} {{ne 1 2}} {{le 2 2}} {{lt "a" "b"}}', 'true true true true'],
  [
    '{{json .Config.Labels}} {{json .Config.Cmd}} {{json .HostConfig.Binds}}',
    '{"a":"1","b":"2"} ["sleep","10"] null',
  ],
  ['{{.Name | printf "%s-%d" | upper}}', '%!S(MISSING)'.length > 0 ? '/WEB-%!D(MISSING)' : ''],
  [
    '{{printf "%5d|%-5s|%05d|%q|%v|%x|%.1f" 42 "a" 42 "b" true 255 1.25}}',
    '   42|a    |00042|"b"|true|ff|1.3',
  ],
  [
    '{{join .Config.Cmd ", "}} {{split "a,b" ","}} {{title "ab cd"}} {{truncate "abcdef" 3}}',
    'sleep, 10 [a b] Ab Cd abc',
  ],
  ['{{pad .Id 1 2}}|{{pad "" 1 2}}|', ' abc  ||'],
  ['{{len .Config.Cmd}}{{len .Config.Labels}}{{len .Id}}', '223'],
  ['{{slice .Id 1 2}}{{print 1 "a"}}{{println}}', 'b1 a\n'],
  ['a {{- "b" -}} c', 'abc'],
  ['{{/* nothing */}}x{{"}}"}}{{`raw "text"`}}', 'x}}raw "text"'],
  ['{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}', '2'],
  [
    '{{.HostConfig.LogConfig.Config}} {{.HostConfig.LogConfig}}',
    'map[max-size:1m] {json-file map[max-size:1m]}',
  ],
  ['{{"\\t"}}{{"\\u00e9"}}{{\'a\'}}', '\té97'],
];

for (const [template, text] of GOLDEN) {
  test(`a template renders ${JSON.stringify(template)}`, () => {
    assert.equal(new Template(template).render(container), text);
  });
}

for (const [template, message] of [
  ['{{.Foo', 'template: :1: unclosed action'],
  ['{{foo}}', 'template: :1: function "foo" not defined'],
  ['{{if .Id}}x', 'template: :1: unexpected EOF'],
  ['x\n{{end}}', 'template: :2: unexpected {{end}}'],
  ['{{}}', 'template: :1: missing value for command'],
  ['{{.Id | }}', 'template: :1: missing value for command'],
  ['{{(.Id}}', 'template: :1: unclosed left paren'],
  ['{{"abc}}', 'template: :1: unclosed action'],
] as const) {
  test(`a template is refused: ${JSON.stringify(template)}`, () => {
    assert.throws(() => new Template(template), { message });
  });
}

for (const [template, message] of [
  ['{{.Nope}}', 'template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"'],
  ['{{.Id.Foo}}', `template: :1:2: executing "" at <.Id.Foo>: can't evaluate field Foo in type string`],
  [
    'ab\ncd {{.State.Nope}}',
    'template: :2:5: executing "" at <.State.Nope>: map has no entry for key "Nope"',
  ],
  [
    '{{index .Config.Cmd 9}}',
    'template: :1:2: executing "" at <index .Config.Cmd 9>: error calling index: index out of range: 9',
  ],
  ['{{.Id 1}}', `template: :1:2: executing "" at <.Id 1>: can't give argument to non-function`],
  ['{{$y}}', 'template: :1:2: executing "" at <$y>: undefined variable "$y"'],
  ['{{len 3}}', 'template: :1:2: executing "" at <len 3>: error calling len: len of type int'],
] as const) {
  test(`a template fails on its data: ${JSON.stringify(template)}`, () => {
    assert.throws(() => new Template(template).render(container), { message });
  });
}

test('a template cannot reach what objects inherit', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.throws(() => new Template(`{{.${name}}}`).render(container), /map has no entry/);
  }
});
