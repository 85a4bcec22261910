/** The page: its parts are made here and handed to each other. */

import { Api, takeToken } from './api.ts';
import { part } from './dom.ts';
import { Header } from './header.ts';
import { LANGUAGES, preferredLanguage } from './i18n/languages.ts';
import { Live } from './live.ts';
import { Panel } from './panels/panel.ts';
import { Things } from './panels/things.ts';
import { Picture } from './picture.ts';
import { Store, type Theme } from './state.ts';
import { followTheme } from './theme.ts';

const store = new Store({
  language: preferredLanguage(localStorage.getItem('language'), navigator.languages),
  theme: (localStorage.getItem('theme') as Theme | null) ?? 'auto',
});
const words = () => LANGUAGES[store.state.language];
followTheme(store);

const problem = part('problem');
const tell = (text: string | undefined) => {
  problem.textContent = text ?? '';
  problem.hidden = text === undefined;
};

const token = takeToken();
// A new address in the old tab is no new page for the browser.
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#token=')) location.reload();
});
const header = new Header(store);
if (token === undefined) {
  tell(words().noToken);
  header.state = 'lost';
} else {
  const api = new Api(token);
  const picture = new Picture(store);
  const panel = new Panel(store, { api, picture });
  new Things(store, picture);
  picture.onAsk = (end, name) => panel.ask(end, name);
  const live = new Live(api, {
    map(map) {
      tell(undefined);
      header.state = 'live';
      store.set({ map });
    },
    rates: (rates) => store.set({ rates }),
    failure(kind, why) {
      header.state = 'lost';
      // What went over the wires is not what goes over them now.
      store.set({ rates: new Map() });
      tell(kind === 'unauthorized' ? words().wrongToken : words().unreachable(why));
    },
  });
  header.onPause = (paused) => {
    live.paused = paused;
  };
  live.start();
}
