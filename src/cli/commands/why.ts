import type { WhyReport } from '../../base/wire/index.ts';
import { defineCommand } from '../command.ts';
import { observe } from '../explain/observe.ts';
import { paintFor } from '../explain/paint.ts';
import { renderWhy } from '../explain/why.ts';
import { bool } from '../flags/flag.ts';
import { languageFlag, languageOf } from '../observe/language.ts';
import { colorFlag, usesColor } from '../terminal/color.ts';

/** The exit code says it too. */
const EXIT = { yes: 0, no: 1, unknown: 2 } as const;

export const why = defineCommand({
  use: '[OPTIONS] FROM TO [PROTOCOL/PORT]',
  summary: 'Tell whether FROM reaches TO, by which way, and what stands in the way',
  args: { min: 2, max: 3 },
  flags: {
    json: bool('Print the answer as JSON'),
    lang: languageFlag(),
    probe: bool('Send a real packet too, and tell whether it did what the rules say'),
    ipv6: bool('Ask for IPv6 only', { short: '6' }),
    ipv4: bool('Ask for IPv4 only', { short: '4' }),
    color: colorFlag(),
  },
  async run(context, { flags, args: [from = '', to = '', service] }) {
    const report = await observe<WhyReport>(context, '/bridgeport/why', {
      from,
      to,
      lang: languageOf(context, flags.lang),
      ...(service === undefined ? {} : { service }),
      ...(flags.ipv6 ? { family: '6' } : flags.ipv4 ? { family: '4' } : {}),
      ...(flags.probe ? { probe: '1' } : {}),
    });
    context.out(
      flags.json
        ? `${JSON.stringify(report, null, 2)}\n`
        : renderWhy(report, paintFor(usesColor(context, flags.color))),
    );
    return EXIT[report.answer];
  },
});
