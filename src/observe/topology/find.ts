/** Containers and networks by what people call them. Pure. */

/** By name or id, or else by the beginning of an id: 4 digits or more. */
export function findNamed<T extends { readonly name: string; readonly id: string }>(
  all: readonly T[],
  ref: string,
): T | undefined {
  return (
    all.find(({ name, id }) => name === ref || id === ref) ??
    (/^[0-9a-f]{4,64}$/.test(ref) ? all.find(({ id }) => id.startsWith(ref)) : undefined)
  );
}
