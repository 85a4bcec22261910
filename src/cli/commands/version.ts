import { readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { messageOf } from '../../base/errors.ts';
import type { VersionInfo } from '../api/types.ts';
import { API_VERSION } from '../client/client.ts';
import { ExitError } from '../client/errors.ts';
import { defineCommand } from '../command.ts';
import { text } from '../flags/flag.ts';
import { Template, TemplateError } from '../template/template.ts';

/** What the command line says of itself. */
export interface ClientVersion {
  version: string;
  nodeVersion: string;
  os: string;
  arch: string;
}

/** Go's names for Node's architectures, which Docker's users know. */
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', ia32: '386' };

/** The version of this command line, from the package it belongs to. */
export function clientVersion(): ClientVersion {
  // The compiled command line lies one directory deeper than its source.
  const candidates = ['../../../package.json', '../../../../package.json'];
  let version = 'unknown';
  for (const candidate of candidates) {
    try {
      version = JSON.parse(readFileSync(new URL(candidate, import.meta.url), 'utf8')).version;
      break;
    } catch {
      // Not here; the next place is tried.
    }
  }
  return {
    version,
    nodeVersion: process.version,
    os: platform(),
    arch: ARCHITECTURES[arch()] ?? arch(),
  };
}

export const version = defineCommand({
  use: '[OPTIONS]',
  summary: 'Show the Bridgeport version information',
  args: { min: 0, max: 0 },
  flags: {
    format: text(
      "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
      { short: 'f' },
    ),
  },
  async run(context, { flags }) {
    let api = API_VERSION;
    let server: VersionInfo | undefined;
    let problem: unknown;
    try {
      api = await context.client.version();
      server = await context.client.json<VersionInfo>('GET', '/version');
    } catch (error) {
      problem = error;
    }
    const client = clientVersion();
    if (flags.format !== '') context.out(`${formatted(flags.format, api, server)}\n`);
    else context.out(clientText(client, api) + (server ? serverText(server) : ''));
    if (problem !== undefined) throw new ExitError(1, messageOf(problem));
    return 0;
  },
});

function clientText({ version, nodeVersion, os, arch }: ClientVersion, api: string): string {
  const shown = api === API_VERSION ? api : `${api} (downgraded from ${API_VERSION})`;
  return block('Client: Bridgeport', [
    [' Version', version],
    [' API version', shown],
    [' Node version', nodeVersion.replace(/^v/, '')],
    [' OS/Arch', `${os}/${arch}`],
  ]);
}

function serverText(server: VersionInfo): string {
  const components = server.Components ?? [
    {
      Name: 'Engine',
      Version: server.Version,
      Details: { ApiVersion: server.ApiVersion, Os: server.Os, Arch: server.Arch },
    },
  ];
  const name = server.Platform?.Name ? ` ${server.Platform.Name}` : '';
  return `\nServer:${name}\n${components.map(({ Name, Version, Details }) => block(` ${Name}:`, componentRows(Name, Version, Details ?? {}))).join('')}`;
}

function componentRows(
  name: string,
  version: string,
  details: Record<string, string>,
): Array<[string, string]> {
  if (name !== 'Engine') {
    return [
      ['  Version', version],
      ...Object.entries(details).map(([key, value]) => [`  ${key}`, value] as [string, string]),
    ];
  }
  const minimum = details.MinAPIVersion ? ` (minimum version ${details.MinAPIVersion})` : '';
  const rows: Array<[string, string | undefined]> = [
    ['  Version', version],
    ['  API version', `${details.ApiVersion}${minimum}`],
    ['  Node version', details.NodeVersion],
    ['  Go version', details.GoVersion],
    ['  Git commit', details.GitCommit],
    ['  Built', details.BuildTime],
    ['  OS/Arch', `${details.Os}/${details.Arch}`],
    ['  Experimental', details.Experimental],
  ];
  return rows.filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
}

/** Names and values in two columns, the values from column 20 on. */
function block(title: string, rows: Array<[string, string]>): string {
  return `${title}\n${rows.map(([name, value]) => `${`${name}:`.padEnd(20)}${value}\n`).join('')}`;
}

function formatted(format: string, api: string, server: VersionInfo | undefined): string {
  const client = clientVersion();
  const data = {
    Client: {
      Platform: { Name: 'Bridgeport' },
      Version: client.version,
      ApiVersion: api,
      APIVersion: api,
      DefaultAPIVersion: API_VERSION,
      NodeVersion: client.nodeVersion,
      Os: client.os,
      Arch: client.arch,
    },
    Server: server ?? null,
  };
  if (format === 'json') return JSON.stringify(data);
  try {
    return new Template(format).render(data);
  } catch (error) {
    if (error instanceof TemplateError) throw new ExitError(64, `template parsing error: ${error.message}`);
    throw error;
  }
}
