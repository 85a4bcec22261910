import type { CliContext } from '../context.ts';
import { text } from '../flags/flag.ts';

/** Languages that explanations come in. */
export type Language = 'en' | 'ko';

/** The flag `--lang`; empty when it is not given. */
export const languageFlag = () =>
  text('Language of the explanations: "en" or "ko" (default: that of the locale)', {
    validate(value) {
      if (value === 'en' || value === 'ko') return value;
      throw new Error(`unknown language ${JSON.stringify(value)}: want "en" or "ko"`);
    },
  });

/** What the flag says, or else the locale: the first that is set of `LC_ALL`, `LC_MESSAGES` and `LANG` (locale(7)). */
export function languageOf(context: Pick<CliContext, 'env'>, flag: string): Language {
  if (flag === 'en' || flag === 'ko') return flag;
  const { LC_ALL, LC_MESSAGES, LANG } = context.env;
  return /^ko(_|\.|@|$)/.test(LC_ALL || LC_MESSAGES || LANG || '') ? 'ko' : 'en';
}
