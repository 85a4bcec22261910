/** How a name was looked up: told by who looks it up, read by who explains it. */

/** One place that was asked for one name. */
export interface NameQuestion {
  /** In full, with an element of the search list if one was tried. */
  readonly name: string;
  /** Address of the name server; absent: /etc/hosts. */
  readonly server?: string;
  /**
   * - `found`: there are addresses
   * - `unknown`: no such name (NXDOMAIN)
   * - `empty`: the name is there and has no address
   * - `failed`: the server cannot tell, or refuses to
   * - `silent`: it did not answer in time
   * - `unreachable`: the kernel says that nobody can be asked there
   */
  readonly outcome: 'found' | 'unknown' | 'empty' | 'failed' | 'silent' | 'unreachable';
  readonly addresses: readonly string[];
  /** `SERVFAIL` of one that failed, `ECONNREFUSED` of one that is unreachable. */
  readonly detail?: string;
}
