/** What no single option can check: options that contradict each other. */

import { invalid } from '../base/errors.ts';
import { Ip } from '../base/ip.ts';
import { Prefix, parseInterfaceAddress } from '../base/prefix.ts';
import { formatHost, isLoopback, parseHost } from './hosts.ts';
import type { DaemonConfig } from './table.ts';

/** @throws `invalid`, in dockerd's words where it makes the same check */
export function checkTogether(config: DaemonConfig): void {
  checkBridge(config);
  checkFirewall(config);
  checkHosts(config);
  if (config.containerdNamespace === config.containerdPluginsNamespace) {
    throw invalid('containers namespace and plugins namespace cannot be the same');
  }
  const labels = new Map<string, string>();
  for (const label of config.labels) {
    const cut = label.indexOf('=');
    const key = label.slice(0, cut);
    const value = label.slice(cut + 1);
    const other = labels.get(key) ?? value;
    if (other !== value) throw invalid(`conflict labels for ${key}=${value} and ${key}=${other}`);
    labels.set(key, value);
  }
}

function checkBridge(config: DaemonConfig): void {
  const { bridge, bip, bip6, mtu } = config;
  if (bridge !== '' && bip !== '') {
    throw invalid('You specified -b & --bip, mutually exclusive options. Please specify only one');
  }
  if (bridge !== '' && bip6 !== '') {
    throw invalid('You specified -b & --bip6, mutually exclusive options. Please specify only one');
  }
  // IFNAMSIZ is 16 with its closing zero (linux/if.h); a name holds no "/", no ":" and no space (dev_valid_name()).
  if (bridge !== '' && !/^(?!\.{1,2}$)[^\s/:]{1,15}$/.test(bridge)) {
    throw invalid(`invalid bridge "${bridge}": want the name of a link, at most 15 characters`);
  }
  if (mtu !== 0 && mtu < 68) throw invalid(`invalid default MTU: ${mtu} (IPv4 needs 68 at least)`);
  checkAddresses(config);
}

/** What lies in what, in either family. */
function checkAddresses(config: DaemonConfig): void {
  for (const [suffix, bip, key, fixedCidr, defaultGateway] of [
    ['', config.bip, 'bip', config.fixedCidr, config.defaultGateway],
    ['-v6', config.bip6, 'bip6', config.fixedCidrV6, config.defaultGatewayV6],
  ] as const) {
    if (bip === '') continue;
    const { address, prefix } = parseInterfaceAddress(bip);
    // A /31 has neither a network's own address nor a broadcast address (RFC 3021), a /32 is one host.
    if (prefix.size > 2n && address.equals(prefix.first)) {
      throw invalid(`invalid ${key} ${bip}: it is the address of the network itself`);
    }
    if (prefix.broadcast !== undefined && address.equals(prefix.broadcast)) {
      throw invalid(`invalid ${key} ${bip}: it is the broadcast address of its network`);
    }
    if (fixedCidr !== '' && !prefix.contains(Prefix.parse(fixedCidr))) {
      throw invalid(`invalid fixed-cidr${suffix} ${fixedCidr}: not inside the network of ${key} ${bip}`);
    }
    if (defaultGateway !== '' && !prefix.contains(Ip.parse(defaultGateway))) {
      throw invalid(
        `invalid default-gateway${suffix} ${defaultGateway}: not inside the network of ${key} ${bip}`,
      );
    }
  }
}

function checkFirewall(config: DaemonConfig): void {
  if (!config.icc && !config.iptables) {
    throw invalid(
      'You specified --iptables=false with --icc=false. ICC=false uses iptables to function. Please set --icc or --iptables to true',
    );
  }
  if (!config.icc && config.ipv6 && !config.ip6tables) {
    throw invalid(
      'You specified --ip6tables=false with --icc=false. ICC=false uses ip6tables to function. Please set --icc or --ip6tables to true',
    );
  }
}

function checkHosts(config: DaemonConfig): void {
  const seen = new Set<string>();
  for (const text of config.hosts) {
    const address = parseHost(text, config.tls);
    const normal = formatHost(address);
    if (seen.has(normal)) throw invalid(`host ${text} is given twice`);
    seen.add(normal);
    // Whoever may speak to the API is root on this machine.
    if (address.kind === 'tcp' && !config.tls && !isLoopback(address.host)) {
      throw invalid(
        `refusing to listen on ${normal} without TLS: give --tlsverify with its certificates, or a loopback address`,
      );
    }
  }
}
