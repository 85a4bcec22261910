import { messageOf } from '../../base/errors.ts';
import { ConnectionError, ExitError } from '../client/errors.ts';
import { defineCommand } from '../command.ts';
import { text } from '../flags/flag.ts';
import { binarySize } from '../format/size.ts';
import { Template } from '../template/template.ts';
import { fromJson } from '../template/values.ts';
import { clientVersion } from './version.ts';

/** `GET /info`, as far as it is shown. */
interface Info {
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  ServerVersion?: string;
  Driver?: string;
  DriverStatus?: Array<[string, string]> | null;
  LoggingDriver?: string;
  CgroupDriver?: string;
  CgroupVersion?: string;
  Plugins?: Partial<Record<'Volume' | 'Network' | 'Authorization' | 'Log', string[] | null>>;
  Swarm?: { LocalNodeState?: string };
  Runtimes?: Record<string, unknown> | null;
  DefaultRuntime?: string;
  OSType?: string;
  InitBinary?: string;
  ContainerdCommit?: { ID?: string };
  RuncCommit?: { ID?: string };
  InitCommit?: { ID?: string };
  SecurityOptions?: string[] | null;
  KernelVersion?: string;
  OperatingSystem?: string;
  Architecture?: string;
  NCPU: number;
  MemTotal: number;
  Name?: string;
  ID?: string;
  DockerRootDir: string;
  Debug: boolean;
  Labels?: string[] | null;
  ExperimentalBuild: boolean;
  RegistryConfig?: {
    InsecureRegistryCIDRs?: string[] | null;
    IndexConfigs?: Record<string, { Name: string; Secure: boolean }> | null;
    Mirrors?: string[] | null;
  };
  LiveRestoreEnabled: boolean;
  DefaultAddressPools?: Array<{ Base: string; Size: number }> | null;
  FirewallBackend?: { Driver: string };
  Warnings?: string[] | null;
}

export const info = defineCommand({
  use: '[OPTIONS]',
  summary: 'Display system-wide information',
  aliases: ['bridgeport system info', 'bridgeport info'],
  args: { min: 0, max: 0 },
  flags: {
    format: text(
      "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
      { short: 'f' },
    ),
  },
  async run(context, { flags }) {
    const client = { Debug: false, Context: 'default', Version: clientVersion().version };
    let answer: Info | undefined;
    let problem: unknown;
    try {
      answer = await context.client.json<Info>('GET', '/info');
    } catch (error) {
      problem = error;
    }
    if (flags.format !== '') {
      const data = { ...answer, ClientInfo: client };
      context.out(
        flags.format === 'json' ? `${JSON.stringify(data)}\n` : `${rendered(flags.format, data)}\n`,
      );
    } else {
      context.out(`Client: Bridgeport\n Version:    ${client.Version}\n Debug Mode: false\n\nServer:\n`);
      if (answer) context.out(serverText(answer));
      for (const warning of answer?.Warnings ?? []) context.err(`${warning}\n`);
    }
    if (problem instanceof ConnectionError) throw problem;
    if (problem !== undefined) {
      throw new ExitError(1, `ERROR: ${messageOf(problem)}\nerrors pretty printing info`);
    }
    return 0;
  },
});

function rendered(format: string, data: unknown): string {
  let template: Template;
  try {
    template = new Template(format);
  } catch (error) {
    throw new ExitError(64, `template parsing error: ${messageOf(error)}`);
  }
  return template.render(fromJson(data));
}

function serverText(info: Info): string {
  const lines: string[] = [];
  const always = (label: string, value: unknown) => lines.push(`${label}: ${value}`);
  const some = (label: string, value: string | undefined) => {
    if (value) always(label, value);
  };
  const section = (label: string, values: readonly string[]) => {
    if (values.length > 0) lines.push(`${label}:`, ...values);
  };
  always(' Containers', info.Containers);
  always('  Running', info.ContainersRunning);
  always('  Paused', info.ContainersPaused);
  always('  Stopped', info.ContainersStopped);
  always(' Images', info.Images);
  some(' Server Version', info.ServerVersion);
  some(' Storage Driver', info.Driver);
  lines.push(...(info.DriverStatus ?? []).map(([key, value]) => `  ${key}: ${value}`));
  some(' Logging Driver', info.LoggingDriver);
  some(' Cgroup Driver', info.CgroupDriver);
  some(' Cgroup Version', info.CgroupVersion);
  lines.push(' Plugins:');
  always('  Volume', (info.Plugins?.Volume ?? []).join(' '));
  always('  Network', (info.Plugins?.Network ?? []).join(' '));
  some('  Authorization', (info.Plugins?.Authorization ?? []).join(' '));
  always('  Log', (info.Plugins?.Log ?? []).join(' '));
  some(' Swarm', info.Swarm?.LocalNodeState);
  some(' Runtimes', Object.keys(info.Runtimes ?? {}).join(' '));
  some(' Default Runtime', info.DefaultRuntime);
  always(' Init Binary', info.InitBinary ?? '');
  always(' containerd version', info.ContainerdCommit?.ID ?? '');
  always(' runc version', info.RuncCommit?.ID ?? '');
  always(' init version', info.InitCommit?.ID ?? '');
  section(' Security Options', (info.SecurityOptions ?? []).flatMap(securityLines));
  some(' Firewall Backend', info.FirewallBackend?.Driver);
  some(' Kernel Version', info.KernelVersion);
  some(' Operating System', info.OperatingSystem);
  some(' OSType', info.OSType);
  some(' Architecture', info.Architecture);
  always(' CPUs', info.NCPU);
  always(' Total Memory', binarySize(info.MemTotal));
  some(' Name', info.Name);
  some(' ID', info.ID);
  always(' Docker Root Dir', info.DockerRootDir);
  always(' Debug Mode', info.Debug);
  section(
    ' Labels',
    (info.Labels ?? []).map((label) => `  ${label}`),
  );
  always(' Experimental', info.ExperimentalBuild);
  const { InsecureRegistryCIDRs, IndexConfigs, Mirrors } = info.RegistryConfig ?? {};
  const insecure = Object.values(IndexConfigs ?? {}).filter((index) => !index.Secure);
  section(' Insecure Registries', [
    ...insecure.map(({ Name }) => `  ${Name}`),
    ...(InsecureRegistryCIDRs ?? []).map((prefix) => `  ${prefix}`),
  ]);
  section(
    ' Registry Mirrors',
    (Mirrors ?? []).map((mirror) => `  ${mirror}`),
  );
  always(' Live Restore Enabled', info.LiveRestoreEnabled);
  section(
    ' Default Address Pools',
    (info.DefaultAddressPools ?? []).map(({ Base, Size }) => `   Base: ${Base}, Size: ${Size}`),
  );
  return `${lines.join('\n')}\n\n`;
}

/** `name=seccomp,profile=builtin` as two lines. */
function securityLines(option: string): string[] {
  const fields = Object.fromEntries(option.split(',').map((field) => field.split('=') as [string, string]));
  const profile = fields.profile ? [`   Profile: ${fields.profile}`] : [];
  return [`  ${fields.name ?? option}`, ...profile];
}
