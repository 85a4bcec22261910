/** Options of the default bridge network, the firewall and published ports. */

import { checkCidr, checkDnsSearch, checkIp } from '../addresses.ts';
import { boolean, integer, list, nested, oneOf, text } from '../kinds.ts';
import { option } from '../option.ts';
import { pools } from '../structured.ts';

export const networkOptions = {
  bridge: option('bridge', {
    short: 'b',
    kind: text(),
    default: '',
    help: 'Attach containers to a network bridge ("none" disables the default bridge network)',
    built: true,
  }),
  bip: option('bip', {
    kind: text(checkCidr(4)),
    default: '',
    help: 'IPv4 address for the default bridge',
    built: true,
  }),
  bip6: option('bip6', {
    kind: text(checkCidr(6)),
    default: '',
    help: 'IPv6 address for the default bridge',
    built: true,
  }),
  fixedCidr: option('fixed-cidr', {
    kind: text(checkCidr(4)),
    default: '',
    help: 'IPv4 subnet for the default bridge network',
    built: true,
  }),
  fixedCidrV6: option('fixed-cidr-v6', {
    kind: text(checkCidr(6)),
    default: '',
    help: 'IPv6 subnet for the default bridge network',
    built: true,
  }),
  defaultGateway: option('default-gateway', {
    kind: text(checkIp(4), 'ip'),
    default: '',
    help: 'Default gateway IPv4 address for the default bridge network',
    built: true,
  }),
  defaultGatewayV6: option('default-gateway-v6', {
    kind: text(checkIp(6), 'ip'),
    default: '',
    help: 'Default gateway IPv6 address for the default bridge network',
    built: true,
  }),
  icc: option('icc', {
    kind: boolean,
    default: true,
    help: 'Enable inter-container communication for the default bridge network',
    built: true,
  }),
  ip: option('ip', {
    kind: text(checkIp(), 'ip'),
    default: '0.0.0.0',
    help: 'Host IP for port publishing from the default bridge network',
    built: true,
  }),
  ipForward: option('ip-forward', {
    kind: boolean,
    default: true,
    help: 'Enable IP forwarding in system configuration',
    built: true,
  }),
  ipForwardNoDrop: option('ip-forward-no-drop', {
    kind: boolean,
    default: false,
    help: 'Do not set the filter-FORWARD policy to DROP when enabling IP forwarding',
    built: true,
  }),
  ipMasq: option('ip-masq', {
    kind: boolean,
    default: true,
    help: 'Enable IP masquerading for the default bridge network',
    built: true,
  }),
  iptables: option('iptables', {
    kind: boolean,
    default: true,
    help: 'Enable addition of iptables rules',
    built: true,
  }),
  ip6tables: option('ip6tables', {
    kind: boolean,
    default: true,
    help: 'Enable addition of ip6tables rules',
    built: true,
  }),
  ipv6: option('ipv6', {
    kind: boolean,
    default: false,
    help: 'Enable IPv6 networking for the default bridge network',
    built: true,
  }),
  mtu: option('mtu', {
    // 0 means the default. IPv4 asks for 68 at least (RFC 791), and the kernel refuses a link with less.
    kind: integer(0, 65535),
    default: 1500,
    help: 'Set the MTU for the default "bridge" network',
    built: true,
  }),
  userlandProxy: option('userland-proxy', {
    kind: boolean,
    default: true,
    help: 'Use userland proxy for loopback traffic',
    built: true,
  }),
  localhostNat: option('localhost-nat', {
    kind: boolean,
    default: true,
    help: 'Let the kernel serve published IPv4 ports to localhost, not the userland proxy (sets route_localnet on bridges)',
    built: true,
  }),
  userlandProxyPath: option('userland-proxy-path', {
    kind: text(),
    default: '',
    help: 'Path to the userland proxy binary',
  }),
  allowDirectRouting: option('allow-direct-routing', {
    kind: boolean,
    default: false,
    help: 'Allow remote access to published ports on container IP addresses',
    built: true,
  }),
  bridgeAcceptFwmark: option('bridge-accept-fwmark', {
    kind: text(),
    default: '',
    help: 'In bridge networks, accept packets with this firewall mark/mask',
  }),
  firewallBackend: option('firewall-backend', {
    kind: oneOf('iptables', 'nftables'),
    default: '',
    help: 'Firewall backend to use, iptables or nftables',
    built: true,
  }),
  dns: option('dns', { kind: list(checkIp()), default: [], help: 'DNS server to use', built: true }),
  dnsOpts: option('dns-opt', {
    key: 'dns-opts',
    kind: list(),
    default: [],
    help: 'DNS options to use',
    built: true,
  }),
  dnsSearch: option('dns-search', {
    kind: list(checkDnsSearch),
    default: [],
    help: 'DNS search domains to use',
    built: true,
  }),
  hostGatewayIps: option('host-gateway-ip', {
    key: 'host-gateway-ips',
    formerKeys: ['host-gateway-ip'],
    kind: list(checkIp()),
    default: [],
    help: "IP addresses that the special 'host-gateway' string in --add-host resolves to. Defaults to the IP addresses of the default bridge",
    built: true,
  }),
  defaultAddressPools: option('default-address-pool', {
    key: 'default-address-pools',
    kind: pools,
    // The ranges of RFC 1918 that Docker cuts networks from; 172.17.0.0/16 comes first and is docker0's.
    default: [
      { base: '172.17.0.0/16', size: 16 },
      { base: '172.18.0.0/16', size: 16 },
      { base: '172.19.0.0/16', size: 16 },
      { base: '172.20.0.0/14', size: 16 },
      { base: '172.24.0.0/14', size: 16 },
      { base: '172.28.0.0/14', size: 16 },
      { base: '192.168.0.0/16', size: 20 },
    ],
    help: 'Default address pools for node specific local networks',
    built: true,
  }),
  defaultNetworkOpts: option('default-network-opt', {
    key: 'default-network-opts',
    kind: nested,
    default: {},
    help: 'Default network options',
    built: true,
  }),
  networkControlPlaneMtu: option('network-control-plane-mtu', {
    kind: integer(0, 65535),
    default: 1500,
    help: 'Network Control plane MTU',
  }),
  networkDiagnosticPort: option('network-diagnostic-port', {
    kind: integer(0, 65535),
    default: 0,
    help: 'TCP port number of the network diagnostic server',
    hidden: true,
  }),
};
