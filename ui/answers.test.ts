import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answers } from './answers.ts';
import { Refusal } from './api.ts';
import { preferredLanguage } from './i18n/languages.ts';

/** The microtasks that an answer needs to arrive. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('`Answers` ask once, tell what is missing from what failed, and ask again only what is looked at', async () => {
  const asked: string[] = [];
  let fails = true;
  const answers = new Answers(
    {
      async read<T>(name: string, query: Record<string, string> = {}): Promise<T> {
        asked.push(`${name} ${JSON.stringify(query)}`);
        if (name === 'absent') throw new Refusal(404, 'page not found');
        if (name === 'failing' && fails) throw new Error('cut');
        return name as T;
      },
    },
    () => {},
  );
  assert.deepEqual(answers.get('rules', { lang: 'ko' }), { state: 'loading' });
  answers.get('rules', { lang: 'ko' });
  answers.get('absent');
  answers.get('failing');
  await settled();
  assert.deepEqual(asked, ['rules {"lang":"ko"}', 'absent {}', 'failing {}']);
  assert.deepEqual(answers.get('rules', { lang: 'ko' }), { state: 'ready', value: 'rules' });
  assert.deepEqual(answers.get('absent'), { state: 'absent' });
  assert.deepEqual(answers.get('failing'), { state: 'failed', why: 'cut' });

  fails = false;
  answers.refresh();
  await settled();
  assert.deepEqual(asked.slice(3), ['rules {"lang":"ko"}', 'failing {}']);
  // Nobody looked since: nothing is asked, and what was known is forgotten.
  answers.get('failing');
  answers.refresh();
  await settled();
  assert.deepEqual(asked.slice(5), ['failing {}']);
  assert.deepEqual(answers.get('rules', { lang: 'ko' }), { state: 'loading' });
});

test('the language is the chosen one, else the reader’s first that there is', () => {
  assert.equal(preferredLanguage('ko', ['en-GB']), 'ko');
  assert.equal(preferredLanguage(null, ['fr', 'ko-KR', 'en']), 'ko');
  assert.equal(preferredLanguage('xx', ['fr']), 'en');
});

test('what is dear is asked again more seldom, and stays known meanwhile', async () => {
  let asked = 0;
  const answers = new Answers({ read: async <T>() => ++asked as T }, () => {});
  answers.get('doctor', {}, 3);
  await settled();
  for (let round = 0; round < 6; round++) {
    answers.refresh();
    await settled();
    assert.equal(answers.get('doctor', {}, 3).state, 'ready');
  }
  assert.equal(asked, 3);
});
