import type { ExplainLanguage } from '../../base/wire/index.ts';

/** Words around what the daemon said. */
export interface Labels {
  readonly cause: string;
  readonly owner: string;
  readonly remedy: string;
  readonly rule: string;
  readonly remark: string;
  readonly probe: string;
  readonly policy: string;
  readonly missing: string;
  readonly unread: string;
  readonly noRules: string;
  packets(count: number): string;
}

export const LABELS: Readonly<Record<ExplainLanguage, Labels>> = {
  en: {
    cause: 'Why',
    owner: 'Whose',
    remedy: 'To change it',
    rule: 'Rule',
    remark: 'Note',
    probe: 'Probe',
    policy: 'policy',
    missing: 'Missing: rules that the engine wrote and that are gone',
    unread: 'Could not be read',
    noRules: 'There are no rules.',
    packets: (count) => (count === 1 ? '1 packet' : `${count} packets`),
  },
  ko: {
    cause: '이유',
    owner: '누구의 것',
    remedy: '바꾸려면',
    rule: '규칙',
    remark: '참고',
    probe: '실제 패킷',
    policy: '정책',
    missing: '없어짐: 엔진이 만들었으나 사라진 규칙',
    unread: '읽지 못함',
    noRules: '규칙이 없습니다.',
    packets: (count) => `패킷 ${count}개`,
  },
};
