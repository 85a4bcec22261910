/** Listings of tables, made comparable. */

/**
 * A listing without what says nothing: nft's names for priorities, and the order of chains and of elements, which is that
 * in which they came.
 */
export function normalListing(text: string): string {
  const listing = text
    .replaceAll(/elements = \{([^}]*)\}/g, (_, elements: string) => {
      const sorted = elements.split(',').map((element) => element.trim());
      return `elements = { ${sorted.toSorted().join(', ')} }`;
    })
    .replaceAll(/priority (?:raw|-300);/g, 'priority raw;')
    .replaceAll(/priority (?:dstnat|-100);/g, 'priority dstnat;')
    .replaceAll(/priority (?:filter|0);/g, 'priority filter;')
    .replaceAll(/priority (?:srcnat|100);/g, 'priority srcnat;')
    .replaceAll('meta l4proto icmpv6', 'meta l4proto ipv6-icmp');
  return listing
    .split(/^(?=table )/m)
    .map((table) => {
      const [head = '', ...parts] = table.replace(/^\}\n/m, '').split(/^\t(?=set|map|chain)/m);
      return (
        head +
        parts
          .map((part) => `\t${part.trimEnd()}\n`)
          .toSorted()
          .join('')
      );
    })
    .join('');
}
