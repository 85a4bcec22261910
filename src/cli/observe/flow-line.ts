import type { Flow, FlowEnd, FlowLine } from '../../base/wire/flow.ts';

/** One line of the flow log as people read it. */
export function flowLine(line: FlowLine): string {
  const time = line.time.slice(11, 23);
  switch (line.event) {
    case 'notice':
      return `${time} ${line.what === 'lost' ? '… events were lost: they came faster than they were read' : '… drops are not told: this daemon writes no rules'}`;
    case 'drop': {
      const why =
        line.reason === undefined ? '' : ` [${[line.reason, line.network].filter(Boolean).join(' ')}]`;
      return `${time} DROP ${line.packets} packet${line.packets === 1 ? '' : 's'}, ${line.bytes} bytes: ${line.chain} ${line.rule}${why}`;
    }
    default:
      return `${time} ${line.event.toUpperCase().padEnd(4)} ${line.proto} ${way(line)}${counts(line)}`;
  }
}

/** `client → dialled → server`, and under which address the server sees the client. */
function way({ client, dialled, server, seenAs, unanswered }: Flow): string {
  const ends = [client, dialled, ...(server === undefined ? [] : [server])].map(endText).join(' → ');
  const masked = seenAs === undefined ? '' : ` (seen as ${endText(seenAs)})`;
  return `${ends}${masked}${unanswered ? ' unanswered' : ''}`;
}

function endText({ address, port, name }: FlowEnd): string {
  const socket =
    port === undefined ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return name === undefined ? socket : `${name} ${socket}`;
}

function counts({ sent, answered }: Flow): string {
  if (sent === undefined || answered === undefined) return '';
  return ` ${sent.bytes} bytes out, ${answered.bytes} back`;
}
