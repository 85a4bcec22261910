import { BlockList } from 'node:net';
import type { NetworkInspect } from '../api/types.ts';
import { defineCommand } from '../command.ts';
import { cut } from '../flags/csv.ts';
import { keyValueMap, labelValue } from '../flags/env.ts';
import { filterFlag, filterQuery } from '../flags/filters.ts';
import { bool, list, map, text } from '../flags/flag.ts';
import { ipAddress, linkValue } from '../flags/hosts.ts';
import { shortId } from '../format/ids.ts';
import { renderList } from '../format/list.ts';
import { goTimeOf } from '../format/time.ts';
import { fetchMap } from '../map/fetch.ts';
import { forEachName } from './each.ts';
import { vethEntries, vethList } from './network-veths.ts';

const networkPath = (name: string, part = '') => `/networks/${encodeURIComponent(name)}${part}`;

export const listNetworks = defineCommand({
  use: '[OPTIONS]',
  summary: 'List networks',
  aliases: ['bridgeport network ls', 'bridgeport network list'],
  args: { min: 0, max: 0 },
  flags: {
    quiet: bool('Only display network IDs', { short: 'q' }),
    'no-trunc': bool('Do not truncate the output'),
    format: text(
      "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
    ),
    filter: filterFlag('Provide filter values (e.g. "driver=bridge")'),
    veth: bool("List each network's containers with their veth on the host instead"),
    json: bool('With --veth: print JSON, with the ids and numbers that the list leaves out'),
  },
  async run(context, { flags }) {
    if (flags.json && !flags.veth) throw new Error('--json goes with --veth: use --format json');
    const networks = await context.client.json<NetworkInspect[]>('GET', '/networks', {
      query: { filters: filterQuery(flags.filter) },
    });
    if (flags.veth) {
      const map = await fetchMap(context, []);
      const ids = new Set(networks.map(({ Id }) => Id));
      context.out(
        flags.json ? `${JSON.stringify(vethEntries(map, ids), null, 2)}\n` : vethList(map, ids, flags),
      );
      return 0;
    }
    const names = new Intl.Collator('en', { numeric: true });
    const rows = networks
      .sort((a, b) => names.compare(a.Name, b.Name))
      .map((network) => ({
        ID: flags['no-trunc'] ? network.Id : shortId(network.Id),
        Name: network.Name,
        Driver: network.Driver,
        Scope: network.Scope,
        IPv4: String(network.EnableIPv4 ?? false),
        IPv6: String(network.EnableIPv6 ?? false),
        Internal: String(network.Internal),
        Labels: Object.entries(network.Labels ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .sort()
          .join(','),
        Label: (name: unknown) => network.Labels?.[String(name)] ?? '',
        CreatedAt: goTimeOf(network.Created),
      }));
    const view = {
      type: '*network.networkContext',
      table: '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
      headers: {
        ID: 'NETWORK ID',
        Name: 'NAME',
        Driver: 'DRIVER',
        Scope: 'SCOPE',
        IPv4: 'IPV4',
        IPv6: 'IPV6',
        Internal: 'INTERNAL',
        Labels: 'LABELS',
        CreatedAt: 'CREATED AT',
      },
    };
    context.out(renderList(view, rows, flags.quiet ? '{{.ID}}' : flags.format));
    return 0;
  },
});

export const createNetwork = defineCommand({
  use: '[OPTIONS] NETWORK',
  summary: 'Create a network',
  args: { min: 1, max: 1 },
  flags: {
    driver: text('Driver to manage the Network', { short: 'd', default: 'bridge' }),
    opt: map('Set driver specific options', { short: 'o' }),
    label: list('Set metadata on a network', { validate: labelValue }),
    internal: bool('Restrict external access to the network'),
    ipv4: bool('Enable or disable IPv4 address assignment', { on: true }),
    ipv6: bool('Enable or disable IPv6 address assignment'),
    attachable: bool('Enable manual container attachment'),
    subnet: list('Subnet in CIDR format that represents a network segment'),
    gateway: list('IPv4 or IPv6 Gateway for the master subnet'),
    'ip-range': list('Allocate container ip from a sub-range'),
    'aux-address': map('Auxiliary IPv4 or IPv6 addresses used by Network driver'),
    'ipam-driver': text('IP Address Management Driver', { default: 'default' }),
    'ipam-opt': map('Set IPAM driver specific options'),
  },
  async run(context, { flags, given, args: [name] }) {
    const { Id, Warning } = await context.client.json<{ Id: string; Warning: string }>(
      'POST',
      '/networks/create',
      {
        body: {
          Name: name,
          Driver: flags.driver,
          Options: flags.opt,
          Labels: keyValueMap(flags.label),
          Internal: flags.internal,
          Attachable: flags.attachable,
          ...(given.has('ipv4') ? { EnableIPv4: flags.ipv4 } : {}),
          ...(given.has('ipv6') ? { EnableIPv6: flags.ipv6 } : {}),
          IPAM: {
            Driver: flags['ipam-driver'],
            Options: flags['ipam-opt'],
            Config: poolConfigs(flags),
          },
        },
      },
    );
    if (Warning) context.err(`WARNING: ${Warning}\n`);
    context.out(`${Id}\n`);
    return 0;
  },
});

/** Joins every gateway, range and spare address to the subnet it lies in. */
function poolConfigs(flags: {
  subnet: readonly string[];
  gateway: readonly string[];
  'ip-range': readonly string[];
  'aux-address': Readonly<Record<string, string>>;
}) {
  const ranges = flags['ip-range'];
  if (flags.subnet.length < ranges.length || flags.subnet.length < flags.gateway.length) {
    throw new Error('every ip-range or gateway must have a corresponding subnet');
  }
  const byFamily = (address: string) => address.includes(':');
  return flags.subnet.map((subnet) => {
    const same = (address: string) => byFamily(address) === byFamily(subnet);
    const config: Record<string, unknown> = { Subnet: subnet };
    // With one subnet of a family there is nothing to choose; with several, the daemon checks that they fit.
    const gateway = flags.gateway.find((address) => same(address) && inPrefix(address, subnet));
    const range = ranges.find((prefix) => same(prefix) && inPrefix(prefix.split('/')[0]!, subnet));
    const spare = Object.entries(flags['aux-address']).filter(([, address]) => inPrefix(address, subnet));
    if (gateway !== undefined) config.Gateway = gateway;
    if (range !== undefined) config.IPRange = range;
    if (spare.length > 0) config.AuxiliaryAddresses = Object.fromEntries(spare);
    return config;
  });
}

function inPrefix(address: string, prefix: string): boolean {
  const [base = '', length = ''] = cut(prefix, '/') as [string, string];
  try {
    const list = new BlockList();
    list.addSubnet(base, Number(length), base.includes(':') ? 'ipv6' : 'ipv4');
    return list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
  } catch {
    throw new Error(`invalid subnet ${JSON.stringify(prefix)} or address ${JSON.stringify(address)}`);
  }
}

export const removeNetwork = defineCommand({
  use: 'NETWORK [NETWORK...]',
  summary: 'Remove one or more networks',
  aliases: ['bridgeport network rm', 'bridgeport network remove'],
  args: { min: 1 },
  flags: { force: bool('Do not error if the network does not exist', { short: 'f' }) },
  run: (context, { flags, args }) =>
    forEachName(context, args, (name) => context.client.text('DELETE', networkPath(name)), {
      ignoreMissing: flags.force,
    }),
});

export const connectNetwork = defineCommand({
  use: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Connect a container to a network',
  args: { min: 2, max: 2 },
  flags: {
    ip: text('IPv4 address (e.g., "172.30.100.104")'),
    ip6: text('IPv6 address (e.g., "2001:db8::33")'),
    link: list('Add link to another container', { validate: linkValue }),
    alias: list('Add network-scoped alias for the container'),
    'link-local-ip': list('Add a link-local address for the container', { validate: ipAddress }),
    'driver-opt': list('driver options for the network'),
    'gw-priority': text(
      'Highest gw-priority provides the default gateway. Accepts positive and negative values',
    ),
  },
  async run(context, { flags, args: [network, container] }) {
    await context.client.text('POST', networkPath(network!, '/connect'), {
      body: {
        Container: container,
        EndpointConfig: {
          IPAMConfig: {
            IPv4Address: flags.ip,
            IPv6Address: flags.ip6,
            LinkLocalIPs: flags['link-local-ip'],
          },
          Links: flags.link.length > 0 ? flags.link : null,
          Aliases: flags.alias.length > 0 ? flags.alias : null,
          DriverOpts: keyValueMap(flags['driver-opt']),
          ...(flags['gw-priority'] ? { GwPriority: Number(flags['gw-priority']) } : {}),
        },
      },
    });
    return 0;
  },
});

export const disconnectNetwork = defineCommand({
  use: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Disconnect a container from a network',
  args: { min: 2, max: 2 },
  flags: { force: bool('Force the container to disconnect from a network', { short: 'f' }) },
  async run(context, { flags, args: [network, container] }) {
    await context.client.text('POST', networkPath(network!, '/disconnect'), {
      body: { Container: container, Force: flags.force },
    });
    return 0;
  },
});
