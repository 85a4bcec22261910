/** Labels of containers that mean something to Bridgeport: all of `bridgeport.…` is its own. */

const PREFIX = 'bridgeport.';
/** `bridgeport.port.80/tcp.proxy-protocol`, or of a range: `bridgeport.port.8000-8010.proxy-protocol`. */
const PROXY_PROTOCOL = /^bridgeport\.port\.(.+)\.proxy-protocol$/;

/** The ports that such a label is about, as they are written there; undefined for other labels. */
export function proxyProtocolPort(label: string): string | undefined {
  return PROXY_PROTOCOL.exec(label)?.[1];
}

/** Looks like one of ours and is none: it has no effect. */
export function isUnknownLabel(label: string): boolean {
  return label.startsWith(PREFIX) && proxyProtocolPort(label) === undefined;
}
