/** The words of each check, in every language: what is looked at, what is wrong, what helps. */

import type { DoctorLanguage } from '../../../base/wire/index.ts';
import type { CheckId, FactsOf, Finding } from '../finding.ts';
import { ENGLISH } from './english.ts';
import { KOREAN } from './korean.ts';

export interface WordsOf<Id extends CheckId> {
  /** What is looked at. */
  readonly title: string;
  /** What is wrong; `owner` is a name. */
  readonly text: (facts: FactsOf[Id], owner: string) => string;
  readonly remedy: (facts: FactsOf[Id], owner: string) => string;
}

/** A catalogue that lacks a check does not compile. */
export type Catalogue = { readonly [Id in CheckId]: WordsOf<Id> };

export const CATALOGUES: Readonly<Record<DoctorLanguage, Catalogue>> = { en: ENGLISH, ko: KOREAN };

export function wordsFor(language: DoctorLanguage, finding: Finding): { text: string; remedy: string } {
  // The facts of a finding are those of its check: TypeScript does not see that the two belong together.
  const words = CATALOGUES[language][finding.check] as WordsOf<CheckId>;
  const { facts, owner } = finding as { facts: FactsOf[CheckId]; owner: Finding['owner'] };
  return { text: words.text(facts as never, owner.name), remedy: words.remedy(facts as never, owner.name) };
}
