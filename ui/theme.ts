/** Light or dark: what the reader chose, or what the system says, also when it changes its mind. */

import type { Store } from './state.ts';

/** Fired at the document's root element after the colours have changed. */
export const RECOLOURED = 'recoloured';

export function followTheme(store: Store): void {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const { theme } = store.state;
    root.dataset.theme = theme === 'auto' ? (dark.matches ? 'dark' : 'light') : theme;
    root.dispatchEvent(new Event(RECOLOURED));
  };
  dark.addEventListener('change', apply);
  store.onChange(({ theme }, before) => {
    if (theme === before.theme) return;
    localStorage.setItem('theme', theme);
    apply();
  });
  apply();
}
