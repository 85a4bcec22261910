/** Which language the page speaks. */

import { en, type Messages } from './en.ts';
import { ko } from './ko.ts';

export type Language = 'en' | 'ko';

export const LANGUAGES: Readonly<Record<Language, Messages>> = { en, ko };

const isLanguage = (text: string | null | undefined): text is Language => text === 'en' || text === 'ko';

/** What was chosen before, else the first of the reader's languages that there is, else English. */
export function preferredLanguage(chosen: string | null, wanted: readonly string[]): Language {
  if (isLanguage(chosen)) return chosen;
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en';
}
