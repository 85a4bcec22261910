/** Docker's network modes: the words that `--network` takes. */

/** False for the modes that the engine knows by itself: `bridge`, `host`, `none`, `default` (or nothing), `container:…`. */
export function isUserDefined(mode: string): boolean {
  return !['', 'default', 'bridge', 'host', 'none'].includes(mode) && !mode.startsWith('container:');
}
