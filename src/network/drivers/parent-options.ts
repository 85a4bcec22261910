/** The options of macvlan and ipvlan networks, whose containers share a parent interface of the host. Pure; the words are Docker's. */

import { invalid } from '../../base/errors.ts';
import { dummyName, MAX_IFNAME_LENGTH } from '../../base/ids.ts';
import {
  IPVLAN_FLAGS,
  IPVLAN_MODES,
  type IpvlanFlag,
  type IpvlanMode,
  MACVLAN_MODES,
  type MacvlanMode,
  type ParentSpec,
} from '../model/index.ts';
import type { WantedNetwork } from './driver.ts';
import { MTU_OPTION, mtuOption } from './options.ts';

export type ParentDriverName = 'macvlan' | 'ipvlan';

const PARENT = 'parent';
const MACVLAN_MODE = 'macvlan_mode';
const IPVLAN_MODE = 'ipvlan_mode';
const IPVLAN_FLAG = 'ipvlan_flag';

export function parentOptions(driver: ParentDriverName, wanted: WantedNetwork): ParentSpec {
  const { options } = wanted;
  const device = options[PARENT] || dummyName(wanted.id);
  if (device === 'lo') throw invalid(`loopback interface is not a valid ${driver} parent link`);
  if (device.length > MAX_IFNAME_LENGTH || /[\s/:]/.test(device)) {
    throw invalid(
      `invalid parent "${device}": an interface name has at most ${MAX_IFNAME_LENGTH} characters, no blank, slash or colon`,
    );
  }
  return {
    device,
    isDummy: !options[PARENT],
    ...(driver === 'macvlan'
      ? { mode: macvlanMode(options[MACVLAN_MODE]) }
      : { mode: ipvlanMode(options[IPVLAN_MODE]), flag: ipvlanFlag(options[IPVLAN_FLAG]) }),
    // By default the kernel gives it the parent's, which the daemon's `--mtu` says nothing of.
    ...(options[MTU_OPTION] ? { mtu: mtuOption(options, 0, wanted.enableIPv6) } : {}),
  };
}

function macvlanMode(text = ''): MacvlanMode {
  const mode = (text || 'bridge') as MacvlanMode;
  if (MACVLAN_MODES.includes(mode)) return mode;
  throw invalid(`requested macvlan mode '${text}' is not valid, 'bridge' mode is the macvlan driver default`);
}

function ipvlanMode(text = ''): IpvlanMode {
  const mode = (text || 'l2') as IpvlanMode;
  if (IPVLAN_MODES.includes(mode)) return mode;
  throw invalid(`requested ipvlan mode '${text}' is not valid, 'l2' mode is the ipvlan driver default`);
}

function ipvlanFlag(text = ''): IpvlanFlag {
  const flag = (text || 'bridge') as IpvlanFlag;
  if (IPVLAN_FLAGS.includes(flag)) return flag;
  throw invalid(`requested ipvlan flag '${text}' is not valid, 'bridge' is the ipvlan driver default`);
}

/** The parent and the tag of a VLAN sub-interface that is named after them: `eth0.10`. Throws `invalid` for other names. */
export function vlanOf(device: string, exists: (name: string) => boolean): { parent: string; id: number } {
  if (!device.includes('.')) {
    throw invalid(`invalid subinterface vlan name ${device}, example formatting is eth0.10`);
  }
  const [parent = '', tag = '', ...rest] = device.split('.');
  if (rest.length > 0) {
    throw invalid(
      `required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received ${device}`,
    );
  }
  if (!/^\d+$/.test(tag)) {
    throw invalid(`unable to parse a valid vlan id from: ${tag} (ex. eth0.10 for vlan 10)`);
  }
  if (!exists(parent)) throw invalid(`-o parent interface was not found on the host: ${parent}`);
  const id = Number(tag);
  if (id < 1 || id > 4094) throw invalid(`vlan id must be between 1-4094, received: ${tag}`);
  return { parent, id };
}
