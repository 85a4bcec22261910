import type { RulesReport } from '../../base/wire/index.ts';
import { defineCommand } from '../command.ts';
import { observe } from '../explain/observe.ts';
import { paintFor } from '../explain/paint.ts';
import { renderRules } from '../explain/rules.ts';
import { bool } from '../flags/flag.ts';
import { languageFlag, languageOf } from '../observe/language.ts';
import { colorFlag, usesColor } from '../terminal/color.ts';

export const rules = defineCommand({
  use: '[OPTIONS]',
  summary: 'Explain every firewall rule in force, in the order in which a packet meets them',
  args: { min: 0, max: 0 },
  flags: {
    json: bool('Print the rules and what is known of them as JSON'),
    lang: languageFlag(),
    color: colorFlag(),
  },
  async run(context, { flags }) {
    const lang = languageOf(context, flags.lang);
    const report = await observe<RulesReport>(context, '/bridgeport/rules', { lang });
    context.out(
      flags.json
        ? `${JSON.stringify(report, null, 2)}\n`
        : renderRules(report, paintFor(usesColor(context, flags.color))),
    );
    return 0;
  },
});
