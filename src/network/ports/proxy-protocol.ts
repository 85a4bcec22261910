/** Ports whose server is told the client's address in a PROXY protocol header, as a container's labels ask for it. Pure. */

import { invalid } from '../../base/errors.ts';
import { proxyProtocolPort } from '../../base/labels.ts';
import { type PortRange, parsePortSpec } from '../../base/ports.ts';

/** The text form, version 1, is not spoken. */
const VERSION = 'v2';

/** The container's TCP ports with such a label. Throws `invalid`, naming the label, for one that asks for something else. */
export function proxyProtocolPorts(labels: Readonly<Record<string, string>>): PortRange[] {
  return Object.entries(labels).flatMap(([label, value]) => {
    const port = proxyProtocolPort(label);
    if (port === undefined) return [];
    const refuse = (why: string) => invalid(`label ${label}=${value}: ${why}`);
    if (value !== VERSION) throw refuse(`the version has to be ${VERSION}`);
    const { start, end, proto } = parsePortSpec(port);
    if (proto !== 'tcp') throw refuse('the PROXY protocol is for TCP ports');
    if (start === 0) throw refuse('0 is no port of a container');
    return [{ start, end }];
  });
}
