/** The environment of a container's process. Pure. */

import { DEFAULT_PATH } from '../spec/defaults.ts';

export interface EnvironmentInput {
  hostname: string;
  tty: boolean;
  /** The variables of links. */
  links: readonly string[];
  /** The container's own; a name without `=` takes the variable of that name away. */
  own: readonly string[];
  /** The user's home folder. */
  home: string;
}

/** In Docker's order: what the daemon gives, each replaced where it stands by an own one of the same name; then the other own ones; HOME. */
export function processEnvironment({ hostname, tty, links, own, home }: EnvironmentInput): string[] {
  const given = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${hostname}`, ...(tty ? ['TERM=xterm'] : []), ...links];
  const place = new Map(given.map((variable, index) => [nameOf(variable), index]));
  const result: Array<string | undefined> = given;
  for (const variable of own) {
    const index = place.get(nameOf(variable));
    if (!variable.includes('=')) {
      if (index !== undefined) result[index] = undefined;
    } else if (index === undefined) result.push(variable);
    else result[index] = variable;
  }
  const variables = result.filter((variable) => variable !== undefined);
  // The runtime would set it too; here it is also what `docker exec` takes over.
  return variables.some((variable) => nameOf(variable) === 'HOME')
    ? variables
    : [...variables, `HOME=${home}`];
}

function nameOf(variable: string): string {
  return variable.split('=', 1)[0] as string;
}
