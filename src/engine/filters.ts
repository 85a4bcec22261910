/** Filter rules that several resources share. */

/** Each of `wanted` is `key` or `key=value`; all of them must hold. */
export function matchesLabels(labels: Record<string, string> | null | undefined, wanted: string[]): boolean {
  return wanted.every((label) => {
    const separator = label.indexOf('=');
    if (separator < 0) return labels !== null && labels !== undefined && Object.hasOwn(labels, label);
    return labels?.[label.slice(0, separator)] === label.slice(separator + 1);
  });
}

/** As in Docker, a name filter is a regular expression where it is a valid one, else a plain part of the name. */
export function matchesPattern(value: string, patterns: string[]): boolean {
  return patterns.some((pattern) => {
    try {
      return new RegExp(pattern).test(value);
    } catch {
      return value.includes(pattern);
    }
  });
}
