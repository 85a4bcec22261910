import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseIptablesSave } from '../../kernel/iptables/index.ts';
import { iptablesDeciders, nftDeciders } from './deciders.ts';

const saved = (...lines: string[]) =>
  parseIptablesSave(
    [
      '*filter',
      ':INPUT ACCEPT [0:0]',
      ':FORWARD DROP [0:0]',
      ':DOCKER-USER - [0:0]',
      ...lines,
      'COMMIT',
      '',
    ].join('\n'),
  );
const OURS = ['-A FORWARD -j DOCKER-USER', '-A FORWARD -o docker0 -j DOCKER', '-A DOCKER-USER -j RETURN'];

describe('iptablesDeciders()', () => {
  test('nothing but ours decides nothing', () => {
    assert.deepEqual(iptablesDeciders(saved(...OURS)), { forward: [], input: [] });
    assert.deepEqual(
      iptablesDeciders(saved(...OURS, '-A FORWARD -i tun0 -j DROP')).forward,
      [],
      'it comes after ours',
    );
    assert.deepEqual(iptablesDeciders(new Map()), { forward: [], input: [] });
  });

  test("a user's rule in DOCKER-USER, ahead of ours, or in INPUT does", () => {
    const { forward, input } = iptablesDeciders(
      saved(
        '-A FORWARD -s 192.0.2.1/32 -j DROP',
        ...OURS,
        '-A DOCKER-USER -i eth0 -j DROP',
        '-A INPUT -j DROP',
      ),
    );
    assert.deepEqual(forward, ['DOCKER-USER', 'FORWARD (ahead of ours)']);
    assert.deepEqual(input, ['INPUT']);
  });

  test("where our rules are nftables's, all of FORWARD is asked beside them", () => {
    assert.deepEqual(iptablesDeciders(saved()).forward, ['FORWARD'], 'its policy is DROP');
  });
});

test('`nftDeciders()` finds chains of others that see such packets, and our DOCKER-USER when it holds a rule', () => {
  const listing = `table inet firewalld {
	set zone {
		type ipv4_addr
	}
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
		jump filter_FORWARD_POLICIES_pre
	}
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy drop;
	}
	chain quiet {
		type filter hook forward priority filter; policy accept;
	}
}
table ip6 mine {
	chain f {
		type filter hook forward priority -1; policy drop;
	}
}
table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
table ip docker-bridges {
	chain DOCKER-USER {
		iifname "eth0" drop
	}
	chain filter-FORWARD {
		type filter hook forward priority filter; policy drop;
		jump DOCKER-USER comment "user-jump #f09e28d9"
	}
}
`;
  assert.deepEqual(nftDeciders(listing, 4), {
    forward: ['chain filter_FORWARD of table inet firewalld', 'DOCKER-USER'],
    input: ['chain filter_INPUT of table inet firewalld'],
  });
  assert.deepEqual(nftDeciders(listing, 6).forward, [
    'chain filter_FORWARD of table inet firewalld',
    'chain f of table ip6 mine',
  ]);
  assert.deepEqual(nftDeciders('', 4), { forward: [], input: [] });
});
