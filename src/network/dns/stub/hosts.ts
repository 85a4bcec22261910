/** hosts(5): names that need no name server. Pure. */

import { isIp } from '../../../base/ip.ts';

/** The addresses that a file gives a name, in its order; case does not matter. */
export function addressesInHosts(text: string, name: string): string[] {
  const wanted = name.toLowerCase();
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*$/, '').split(/\s+/).filter(Boolean);
    const [bare = ''] = address.split('%');
    return isIp(bare) && names.some((one) => one.toLowerCase() === wanted) ? [bare] : [];
  });
}
