/** The catalogue of each language. */

import type { ExplainLanguage } from '../../../base/wire/index.ts';
import type { Catalogue } from './catalogue.ts';
import { en } from './en.ts';
import { ko } from './ko.ts';

export type { Catalogue } from './catalogue.ts';

export const CATALOGUES: Readonly<Record<ExplainLanguage, Catalogue>> = { en, ko };
