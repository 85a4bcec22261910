import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isKind } from '../base/errors.ts';
import { type Environment, parseDaemonConfig } from './parse.ts';

const CWD = '/srv/work';

function parse(argv: string[], file?: string, env: Environment = { HOME: '/root' }) {
  return parseDaemonConfig(argv, () => file, env, CWD);
}

function run(argv: string[], file?: string, env?: Environment) {
  const invocation = parse(argv, file, env);
  assert.ok(invocation.kind === 'run');
  return invocation;
}

function refuses(argv: string[], file: string | undefined, message: string | RegExp, env?: Environment) {
  assert.throws(
    () => parse(argv, file, env),
    (error) => {
      assert.ok(isKind(error, 'invalid'), String(error));
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    },
  );
}

const inFile = 'unable to configure the Docker daemon with file /etc/docker/daemon.json: ';

describe('defaults', () => {
  test('`parseDaemonConfig()` without flags or file has the defaults of a daemon beside Docker', () => {
    const { config, warnings } = run([]);
    assert.deepEqual(warnings, []);
    assert.equal(config.dataRoot, '/var/lib/bridgeport');
    assert.equal(config.execRoot, '/run/bridgeport');
    assert.equal(config.pidfile, '/run/bridgeport.pid');
    assert.deepEqual(config.hosts, ['unix:///run/bridgeport.sock']);
    assert.equal(config.configFile, '/etc/docker/daemon.json');
    for (const name of ['icc', 'iptables', 'ip6tables', 'ipForward', 'ipMasq', 'userlandProxy'] as const) {
      assert.equal(config[name], true, name);
    }
    assert.equal(config.mtu, 1500);
    assert.equal(config.ip, '0.0.0.0');
    assert.equal(config.logLevel, 'info');
    assert.equal(config.containerdNamespace, 'moby');
    assert.deepEqual(config.defaultAddressPools[0], { base: '172.17.0.0/16', size: 16 });
    assert.deepEqual(config.defaultAddressPools.at(-1), { base: '192.168.0.0/16', size: 20 });
  });

  test('`--mtu 0` means the default', () => assert.equal(run(['--mtu', '0']).config.mtu, 1500));
});

describe('questions', () => {
  test('`--help` answers before the file is read', () => {
    const invocation = parse(['--icc', '--help'], 'no json');
    assert.ok(invocation.kind === 'help');
    assert.match(invocation.text, /^ {2}-b, --bridge string {2,}Attach containers/m);
    assert.match(invocation.text, /^ {6}--icc {2,}Enable inter-container/m);
    assert.doesNotMatch(invocation.text, /--network-diagnostic-port/);
    assert.ok(invocation.text.split('\n').every((line) => line.length <= 80 || line.includes('"|"')));
  });

  test('`-v` asks for the version', () => assert.deepEqual(parse(['-v']), { kind: 'version' }));

  test('`--validate` reads everything and says so', () => {
    assert.equal(parse(['--validate'], '{"icc": false}').kind, 'validate');
    refuses(['--validate'], '{"icc": 0}', /icc: want true or false, got 0 \(number\)$/);
  });
});

describe('the page', () => {
  test('`--ui-address` takes an address of loopback with a port, by flag and in the file', () => {
    for (const address of ['127.0.0.1:8088', '[::1]:8088', 'localhost:1', '127.8.8.8:65535']) {
      assert.equal(run(['--ui-address', address]).config.uiAddress, address);
      assert.equal(run([], JSON.stringify({ 'ui-address': address })).config.uiAddress, address);
    }
    assert.equal(run([]).config.uiAddress, '');
    for (const address of ['0.0.0.0:8088', '10.0.0.1:80', 'example.com:80', '[::]:80']) {
      refuses(['--ui-address', address], undefined, /is not a loopback address|want 127\.0\.0\.1:PORT/);
    }
    for (const address of [
      '127.0.0.1',
      'unix:///run/x.sock',
      '127.0.0.1:0',
      '127.0.0.1:x',
      'http://127.0.0.1:80',
    ]) {
      refuses(['--ui-address', address], undefined, /ui-address/);
    }
  });
});

describe('flags', () => {
  test('long and short flags take their value in every way that getopt_long(3) knows', () => {
    for (const argv of [
      ['--bridge=br7'],
      ['--bridge', 'br7'],
      ['-b', 'br7'],
      ['-bbr7'],
      ['-b=br7'],
      ['-Dbbr7'],
    ]) {
      assert.equal(run(argv).config.bridge, 'br7', argv.join(' '));
    }
    assert.equal(run(['-Dl', 'debug']).config.debug, true);
    assert.equal(run(['-Dl', 'debug']).config.logLevel, 'debug');
  });

  test('a boolean is true by itself and takes a value behind "=" only', () => {
    assert.equal(run(['--icc']).config.icc, true);
    assert.equal(run(['--icc=false']).config.icc, false);
    assert.equal(run(['--icc=0']).config.icc, false);
    assert.equal(run(['-D=false']).config.debug, false);
    refuses(
      ['--icc', 'false'],
      undefined,
      '"bridgeportd" accepts no arguments, got "false" (a boolean takes its value behind "=": --icc=false)',
    );
  });

  test('a flag that repeats adds to its list; any other keeps the last', () => {
    const { config } = run(['--dns', '10.0.0.1', '--bip=10.1.0.1/16', '--dns=fd00::1', '--bip=10.2.0.1/16']);
    assert.deepEqual(config.dns, ['10.0.0.1', 'fd00::1']);
    assert.equal(config.bip, '10.2.0.1/16');
  });

  test('an unknown flag, a missing value and a stray word are named', () => {
    refuses(['--foo=1'], undefined, 'unknown flag: --foo');
    refuses(['-DZ'], undefined, "unknown shorthand flag: 'Z' in -DZ");
    refuses(['--bip'], undefined, 'flag needs an argument: --bip');
    refuses(['-Db'], undefined, "flag needs an argument: 'b' in -Db");
    refuses(['start'], undefined, '"bridgeportd" accepts no arguments, got "start"');
    refuses(['--', 'start'], undefined, '"bridgeportd" accepts no arguments, got "start"');
  });

  test('a key that no flag stands for is no flag', () => {
    refuses(['--min-api-version=1.30'], undefined, 'unknown flag: --min-api-version');
  });

  test('a bad value names the flag and quotes the value', () => {
    refuses(['--bip', '172.17.0.1'], undefined, /^invalid argument "172\.17\.0\.1" for "--bip" flag: /);
    refuses(['--bip=172.17.0.1/33'], undefined, /^invalid argument "172\.17\.0\.1\/33" for "--bip" flag: /);
    refuses(['--bip=fd00::1/64'], undefined, /for "--bip" flag: "fd00::1\/64" is not IPv4$/);
    refuses(['--fixed-cidr=10.0.0.0'], undefined, /for "--fixed-cidr" flag/);
    refuses(['--ip=localhost'], undefined, /for "--ip" flag: "localhost" is not an IP address$/);
    refuses(
      ['--default-gateway=::1'],
      undefined,
      /for "--default-gateway" flag: "::1" is not an IPv4 address$/,
    );
    refuses(['--dns=8.8.8'], undefined, /for "--dns" flag/);
    refuses(['--mtu=big'], undefined, /for "--mtu" flag: want a whole number from 0 to 65535/);
    refuses(['-l', 'loud'], undefined, /for "-l, --log-level" flag: want one of "trace", /);
    refuses(['--label=plain'], undefined, /for "--label" flag: bad attribute format: plain$/);
    refuses(['--label=com.docker.x=1'], undefined, /reserved for internal use$/);
    refuses(['--default-address-pool=base=10.0.0.0/16'], undefined, /for "--default-address-pool" flag/);
    refuses(
      ['--default-address-pool=base=10.0.0.0/16,size=8'],
      undefined,
      /size 8 is not a whole number from 16/,
    );
    refuses(['--registry-mirror=mirror:5000'], undefined, /no scheme specified/);
    refuses(['--default-ulimit=nofile=9:1'], undefined, /soft limit must be less than or equal to hard/);
  });

  test('structured flags become values', () => {
    const { config } = run([
      '--default-address-pool=base=10.10.9.9/16,size=24',
      '--default-address-pool=base=fd00::/56,size=64',
      '--default-ulimit=nofile=1024:2048',
      '--default-ulimit=core=-1',
      '--log-opt=max-size=10m',
      '--log-opt=tag=a=b',
      '--default-shm-size=1.5g',
      '--add-runtime=crun=/usr/bin/crun',
      '--default-network-opt=bridge=com.docker.network.driver.mtu=1400',
      '--feature=containerd-snapshotter=false',
    ]);
    assert.deepEqual(config.defaultAddressPools, [
      { base: '10.10.0.0/16', size: 24 },
      { base: 'fd00::/56', size: 64 },
    ]);
    assert.deepEqual(config.defaultUlimits, {
      nofile: { name: 'nofile', soft: 1024, hard: 2048 },
      core: { name: 'core', soft: -1, hard: -1 },
    });
    assert.deepEqual(config.logOpts, { 'max-size': '10m', tag: 'a=b' });
    assert.equal(config.defaultShmSize, 1610612736);
    assert.equal(config.runtimes.crun?.path, '/usr/bin/crun');
    assert.deepEqual(config.defaultNetworkOpts, { bridge: { 'com.docker.network.driver.mtu': '1400' } });
    assert.deepEqual(config.features, { 'containerd-snapshotter': false });
  });

  test('`--log-level` takes the levels of Docker, also the one that we never log at', () => {
    assert.equal(run(['-l', 'warn']).config.logLevel, 'warn');
    assert.equal(run(['-l', 'panic']).config.logLevel, 'fatal');
    assert.equal(run(['-l', '']).config.logLevel, 'info');
  });

  test('relative paths are relative to the working directory', () => {
    const { config } = run(['--data-root=data', '--pidfile', 'b.pid', '-H', 'unix://b.sock']);
    assert.equal(config.dataRoot, '/srv/work/data');
    assert.equal(config.pidfile, '/srv/work/b.pid');
    assert.deepEqual(config.hosts, ['unix:///srv/work/b.sock']);
  });
});

describe('daemon.json', () => {
  test('keys have the names of their flags, or their plural where Docker says so', () => {
    const { config, warnings } = run(
      [],
      JSON.stringify({
        icc: false,
        hosts: ['unix:///run/a.sock', 'tcp://127.0.0.1:2375'],
        labels: ['a=b'],
        dns: ['10.0.0.1'],
        'dns-opts': ['ndots:2'],
        'dns-search': ['example.com'],
        'default-address-pools': [{ base: '10.10.0.0/16', size: 24 }],
        'insecure-registries': ['10.0.0.0/8', 'reg:5000'],
        'registry-mirrors': ['http://mirror:5000'],
        'containerd-plugin-namespace': 'p',
      }),
    );
    assert.equal(config.icc, false);
    assert.deepEqual(config.hosts, ['unix:///run/a.sock', 'tcp://127.0.0.1:2375']);
    assert.deepEqual(config.labels, ['a=b']);
    assert.deepEqual(config.dnsOpts, ['ndots:2']);
    assert.deepEqual(config.defaultAddressPools, [{ base: '10.10.0.0/16', size: 24 }]);
    assert.deepEqual(config.registryMirrors, ['http://mirror:5000/']);
    assert.equal(config.containerdPluginsNamespace, 'p');
    assert.deepEqual(warnings, []);
  });

  test('an empty, blank or absent file is an empty configuration', () => {
    for (const text of [undefined, '', ' \n', '\uFEFF{}', '{}']) assert.equal(run([], text).config.icc, true);
  });

  test('a file that was asked for by name must be there; none is read when the name is empty', () => {
    refuses(
      ['--config-file', 'd.json'],
      undefined,
      'unable to configure the Docker daemon with file /srv/work/d.json: open /srv/work/d.json: no such file or directory',
    );
    assert.equal(run(['--config-file='], '{"icc": false}').config.icc, true);
  });

  test('what stands in the way of reading is named', () => {
    assert.throws(
      () =>
        parseDaemonConfig(
          [],
          () => {
            throw new Error('permission denied');
          },
          {},
        ),
      /daemon\.json: permission denied$/,
    );
  });

  test('unknown keys are named, all of them', () => {
    refuses(
      [],
      '{"foo": 1, "icc": true, "label": ["a=b"]}',
      `${inFile}the following directives don't match any configuration option: foo, label`,
    );
    refuses([], '{"validate": true}', /don't match any configuration option: validate$/);
  });

  test('an option given both as a flag and in the file is refused, with both values', () => {
    refuses(
      ['--icc=false'],
      '{"icc": true}',
      `${inFile}the following directives are specified both as a flag and in the configuration file: icc: (from flag: false, from file: true)`,
    );
    refuses(
      ['--label', 'f=g', '-H', 'unix:///x'],
      '{"labels": ["a=b", "c=d"], "hosts": ["unix:///x"]}',
      /: labels: \(from flag: \[f=g\], from file: \[a=b c=d\]\), hosts: \(from flag: \[unix:\/\/\/x\], /,
    );
    refuses(
      ['--http-proxy=http://u:p@proxy'],
      '{"http-proxy": "http://u:secret@proxy"}',
      /from file: http:\/\/xxxxx:xxxxx@proxy\)$/,
    );
  });

  test('runtimes are collected from both', () => {
    const { config } = run(['--add-runtime=a=/bin/a'], '{"runtimes": {"b": {"path": "/bin/b"}}}');
    assert.deepEqual(Object.keys(config.runtimes).sort(), ['a', 'b']);
    refuses([], '{"runtimes": {"runc": {"path": "/bin/b"}}}', /runtime name 'runc' is reserved$/);
  });

  test('broken JSON is refused with its place', () => {
    refuses([], '{"icc": x}', `${inFile}invalid JSON: unexpected "x" at line 1, column 9`);
    refuses([], '{\n  "icc": true,\n}', `${inFile}invalid JSON: unexpected "}" at line 3, column 1`);
    refuses([], '{"icc": true', `${inFile}invalid JSON: the text ends too early at line 1, column 13`);
    refuses([], '{} {}', /unexpected "\{" at line 1, column 4$/);
    refuses([], '[1]', /want an object, got \[1\]$/);
  });

  test('a value of the wrong type names its key', () => {
    const wrong: Array<[string, RegExp]> = [
      ['{"icc": "true"}', /icc: want true or false, got "true" \(string\)$/],
      ['{"bip": 1}', /bip: want a string, got 1 \(number\)$/],
      ['{"dns": "1.1.1.1"}', /dns: want an array of strings/],
      ['{"dns": [1]}', /dns: want an array of strings, got \[1\] \(array\)|dns: want an array of strings/],
      ['{"mtu": 1.5}', /mtu: want a whole number/],
      ['{"mtu": "1500"}', /mtu: want a whole number/],
      ['{"log-opts": {"max-file": 3}}', /log-opts: max-file: want a string, got 3 \(number\)$/],
      ['{"default-address-pools": [{"base": "10.0.0.0/8"}]}', /default-address-pools: want \{"base"/],
      ['{"bip": "10.0.0.1"}', /bip: invalid CIDR address: "?10\.0\.0\.1/],
      ['{"builder": []}', /builder: want an object/],
    ];
    for (const [text, message] of wrong) refuses([], text, message);
  });

  test('null counts as not given', () => {
    assert.equal(run(['--icc=false'], '{"icc": null}').config.icc, false);
  });

  test('a former key still works, alone', () => {
    assert.deepEqual(run([], '{"host-gateway-ip": "10.0.0.1"}').config.hostGatewayIps, ['10.0.0.1']);
    refuses(
      [],
      '{"host-gateway-ip": "10.0.0.1", "host-gateway-ips": ["10.0.0.1"]}',
      /host-gateway-ip and host-gateway-ips must not both be specified in the config file$/,
    );
  });

  test('ulimits are read in any case of their names', () => {
    const { config } = run(
      [],
      '{"default-ulimits": {"nofile": {"Name": "nofile", "hard": 64000, "Soft": 1}}}',
    );
    assert.deepEqual(config.defaultUlimits.nofile, { name: 'nofile', soft: 1, hard: 64000 });
  });
});

describe('warnings', () => {
  test('an option that is not built says so when it is given, and only then', () => {
    assert.deepEqual(run(['--selinux-enabled'], '{"userns-remap": "default"}').warnings, [
      '--selinux-enabled is known but not built yet: it has no effect',
      '"userns-remap" is known but not built yet: it has no effect',
    ]);
    assert.deepEqual(run(['--icc=false']).warnings, []);
  });
});

describe('options together', () => {
  test('the default bridge is checked as dockerd checks it', () => {
    refuses(['-b', 'br7', '--bip', '10.0.0.1/8'], undefined, /^You specified -b & --bip, mutually exclusive/);
    refuses(
      ['--icc=false', '--iptables=false'],
      undefined,
      /^You specified --iptables=false with --icc=false/,
    );
    refuses(['--icc=false', '--ip6tables=false', '--ipv6'], undefined, /^You specified --ip6tables=false/);
    refuses(['--bridge=a/b'], undefined, /^invalid bridge "a\/b"/);
    refuses(['--bridge=sixteencharacter'], undefined, /at most 15 characters$/);
    refuses(['--mtu=60'], undefined, /^invalid default MTU: 60/);
    assert.equal(run(['--bridge=none']).config.bridge, 'none');
  });

  test('addresses must lie in the network of --bip, which must be a host address', () => {
    refuses(
      ['--bip=10.0.0.0/24'],
      undefined,
      'invalid bip 10.0.0.0/24: it is the address of the network itself',
    );
    refuses(['--bip=10.0.0.255/24'], undefined, /it is the broadcast address/);
    refuses(
      ['--bip=10.0.0.1/24', '--fixed-cidr=10.0.1.0/25'],
      undefined,
      /^invalid fixed-cidr 10\.0\.1\.0\/25/,
    );
    refuses(
      ['--bip=10.0.0.1/24', '--fixed-cidr=10.0.0.0/16'],
      undefined,
      /^invalid fixed-cidr 10\.0\.0\.0\/16/,
    );
    refuses(['--bip=10.0.0.1/24', '--default-gateway=10.0.1.1'], undefined, /^invalid default-gateway/);
    run(['--bip=10.0.0.1/24', '--fixed-cidr=10.0.0.128/25', '--default-gateway=10.0.0.254']);
    run(['--bip=10.0.0.0/31']);
    refuses(
      ['--bip6=fd00::/64'],
      undefined,
      'invalid bip6 fd00::/64: it is the address of the network itself',
    );
    refuses(
      ['--bip6=fd00::1/64', '--fixed-cidr-v6=fd01::/80'],
      undefined,
      'invalid fixed-cidr-v6 fd01::/80: not inside the network of bip6 fd00::1/64',
    );
    refuses(['--bip6=fd00::1/64', '--default-gateway-v6=fe80::1'], undefined, /^invalid default-gateway-v6/);
    run(['--bip6=fd00::ffff:ffff:ffff:ffff/64', '--fixed-cidr-v6=fd00::/80', '--default-gateway-v6=fd00::9']);
  });

  test('without iptables nothing is masqueraded', () => {
    assert.equal(run(['--iptables=false']).config.ipMasq, false);
  });

  test('containers and plugins need namespaces of their own', () => {
    refuses(['--containerd-namespace=plugins.moby'], undefined, /namespace cannot be the same$/);
  });

  test('labels may repeat, not contradict each other', () => {
    assert.deepEqual(run(['--label=a=b', '--label=a=b']).config.labels, ['a=b']);
    refuses(['--label=a=b', '--label=a=c'], undefined, 'conflict labels for a=c and a=b');
  });
});

describe('hosts and TLS', () => {
  test('tcp without TLS is for loopback', () => {
    for (const host of ['tcp://', 'tcp://127.0.0.1:2375', 'tcp://[::1]:9', 'localhost', '127.9.9.9:1']) {
      run(['-H', host]);
    }
    for (const host of ['tcp://0.0.0.0:2375', '0.0.0.0', 'tcp://[::]:2375', 'tcp://example.com:1']) {
      refuses(['-H', host], undefined, /^refusing to listen on tcp:\/\/\S+ without TLS/);
    }
    assert.deepEqual(run(['-H', '0.0.0.0', '--tlsverify']).config.hosts, ['tcp://0.0.0.0:2376']);
  });

  test('one host is listened at once', () => {
    refuses(['-H', 'unix:///a', '-H', 'unix:///b/../a'], undefined, 'host unix:///a is given twice');
  });

  test('certificates come from the flags, or from the directory that the environment names', () => {
    const { config } = run(['--tls', '--tlscert=my.pem', '-H', 'tcp://'], undefined, {
      DOCKER_CERT_PATH: '/certs',
    });
    assert.equal(config.tlsverify, true);
    assert.equal(config.tlscert, '/srv/work/my.pem');
    assert.equal(config.tlscacert, '/certs/ca.pem');
    assert.equal(run(['--tls', '--tlsverify=false']).config.tlsverify, false);
    assert.equal(
      run([], undefined, { DOCKER_TLS_VERIFY: '1', HOME: '/h' }).config.tlskey,
      '/h/.docker/key.pem',
    );
    assert.equal(run([]).config.tlskey, '');
  });

  test('TLS without a host listens on tcp, as dockerd does', () => {
    assert.deepEqual(run(['--tlsverify']).config.hosts, ['tcp://localhost:2376']);
  });
});
