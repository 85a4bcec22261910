/**
 * Loads the page, again if need be: Chromium gives up every request that runs while an address of the host comes or goes
 * (`ERR_NETWORK_CHANGED`), which on a host of containers happens at any time, and a module that failed to load stays failed.
 */

/** Reloads in a row; then it is something else. */
const TRIES = 8;
/** Milliseconds between them. */
const PAUSE = 300;
const STORED = 'bridgeport-boots';

try {
  await import('./main.ts');
  sessionStorage.removeItem(STORED);
} catch (error) {
  const tries = Number(sessionStorage.getItem(STORED) ?? 0);
  if (tries >= TRIES) {
    sessionStorage.removeItem(STORED);
    throw error;
  }
  sessionStorage.setItem(STORED, String(tries + 1));
  setTimeout(() => location.reload(), PAUSE);
}
