/** `--user`: name or number, with the group, looked up in the container's own passwd and group files. */

import { invalid } from '../../base/errors.ts';
import type { OciUser } from '../spec/oci.ts';

/** The texts of /etc/passwd and /etc/group, empty when the image has none. */
export interface UserFiles {
  passwd: string;
  group: string;
}

const MAX_ID = 2 ** 31 - 1;

interface PasswdLine {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/**
 * `user` is `""`, `name`, `uid`, `name:group` or any mix. Throws `invalid` with Docker's words when a name is unknown. `home` is what
 * `HOME` becomes when the container does not set it.
 */
export function resolveUser(
  user: string,
  files: UserFiles,
  extraGroups: readonly string[],
): { user: OciUser; home: string; name: string } {
  const [userPart = '', groupPart = ''] = user.split(':', 2);
  const passwd = parsePasswd(files.passwd);
  const groups = parseGroups(files.group);
  const wanted = userPart === '' ? '0' : userPart;
  const asNumber = parseId(wanted);
  const entry = passwd.find((line) => line.name === wanted) ?? passwd.find((line) => line.uid === asNumber);
  if (entry === undefined && asNumber === undefined) {
    throw invalid(`unable to find user ${wanted}: no matching entries in passwd file`);
  }
  const uid = entry?.uid ?? (asNumber as number);
  let gid = entry?.gid ?? 0;
  const additional = new Set<number>();
  if (groupPart !== '') {
    gid = resolveGroup(groupPart, groups);
  } else if (entry !== undefined) {
    for (const group of groups) if (group.members.includes(entry.name)) additional.add(group.gid);
  }
  for (const group of extraGroups) additional.add(resolveGroup(group, groups));
  // The primary group is listed too: otherwise a process could drop the group to escape a negative permission (CVE-2022-2989's kind).
  const additionalGids = [gid, ...[...additional].filter((id) => id !== gid)];
  return { user: { uid, gid, additionalGids }, home: entry?.home || '/', name: entry?.name ?? String(uid) };
}

function resolveGroup(group: string, groups: Array<{ name: string; gid: number }>): number {
  const asNumber = parseId(group);
  const entry = groups.find((line) => line.name === group) ?? groups.find((line) => line.gid === asNumber);
  if (entry !== undefined) return entry.gid;
  if (asNumber === undefined)
    throw invalid(`unable to find group ${group}: no matching entries in group file`);
  return asNumber;
}

function parseId(text: string): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id < 0 || id > MAX_ID) throw invalid(`uids and gids must be in range 0-${MAX_ID}: "${text}"`);
  return id;
}

function parsePasswd(text: string): PasswdLine[] {
  return fields(text, 6).flatMap(([name, , uid, gid, , home]) => {
    const line = { name: name ?? '', uid: Number(uid), gid: Number(gid), home: home ?? '' };
    return Number.isInteger(line.uid) && Number.isInteger(line.gid) ? [line] : [];
  });
}

function parseGroups(text: string): Array<{ name: string; gid: number; members: string[] }> {
  return fields(text, 3).flatMap(([name, , gid, members]) => {
    const line = {
      name: name ?? '',
      gid: Number(gid),
      members: (members ?? '').split(',').map((m) => m.trim()),
    };
    return Number.isInteger(line.gid) ? [line] : [];
  });
}

function fields(text: string, least: number): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
    .filter((parts) => parts.length >= least);
}
