import { messageOf } from '../../base/errors.ts';
import type { DoctorReport } from '../../base/wire/doctor.ts';
import { ExitError } from '../client/errors.ts';
import { defineCommand } from '../command.ts';
import { observe } from '../explain/observe.ts';
import { bool } from '../flags/flag.ts';
import { checksFailed, drawReport } from '../observe/doctor.ts';
import { languageFlag, languageOf } from '../observe/language.ts';
import { colorFlag, usesColor } from '../terminal/color.ts';

export const doctor = defineCommand({
  use: '[OPTIONS]',
  summary:
    'Look for what is wrong with the network, with evidence and remedy\n\nThe exit status is 0 when nothing is, 1 when something is, and 2 when it could not be looked at.',
  args: { min: 0, max: 0 },
  flags: {
    all: bool('Show every check, also those that found nothing', { short: 'a' }),
    json: bool('Print the report as JSON'),
    lang: languageFlag(),
    color: colorFlag(),
  },
  async run(context, { flags }) {
    const language = languageOf(context, flags.lang);
    let report: DoctorReport;
    try {
      report = await observe<DoctorReport>(context, '/bridgeport/doctor', { lang: language });
    } catch (error) {
      throw new ExitError(2, messageOf(error));
    }
    if (flags.json) {
      context.out(`${JSON.stringify(report, null, 2)}\n`);
    } else {
      const color = usesColor(context, flags.color);
      context.out(drawReport(report, { language, all: flags.all, color }));
    }
    if (report.findings.length > 0) return 1;
    return checksFailed(report) > 0 ? 2 : 0;
  },
});
