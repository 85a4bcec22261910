import type { Catalogue } from './words.ts';

export const KOREAN: Catalogue = {
  'forwarding-off': {
    title: '커널이 패킷을 전달하는지',
    text: ({ family, link }) =>
      link === undefined
        ? `IPv${family} 전달이 꺼져 있습니다. 컨테이너는 외부에도 다른 네트워크에도 닿지 못하고, 공개된 포트는 프록시로만 응답합니다.`
        : `${link}에서 IPv${family} 전달이 꺼져 있습니다. 이 브리지에 있는 컨테이너의 패킷이 전달되지 않습니다.`,
    remedy: () => '전달을 켜고, 무엇이 끄는지(/etc/sysctl.d의 파일, 다른 프로그램) 찾으십시오.',
  },
  'ipv6-router': {
    title: '호스트가 IPv6 라우터의 광고를 듣는지',
    text: ({ link }) =>
      `호스트가 IPv6를 전달하므로 ${link}의 라우터 광고를 무시합니다. 기본 경로가 그 광고에서 온 것이라, 기한이 지나면 경로와 함께 IPv6 연결이 끊깁니다.`,
    remedy: () => '전달 중에도 이 인터페이스가 광고를 듣게 하십시오(accept_ra = 2).',
  },
  'rules-missing': {
    title: '방화벽에 엔진의 규칙이 있는지',
    text: ({ missing, wanted, all }, owner) =>
      all
        ? `엔진의 규칙 ${wanted}개가 모두 사라졌습니다. 누군가 방화벽을 비웠습니다.`
        : `${owner}에 대한 규칙 ${missing}개가 방화벽에 없습니다. 누군가 지웠습니다.`,
    remedy: ({ all }) =>
      all
        ? '데몬이 이를 알아채는 즉시 되돌립니다. 돌아오지 않으면 다시 살피게 하십시오(SIGHUP).'
        : '손으로 지운 규칙은 저절로 돌아오지 않습니다. 데몬에게 네트워크를 다시 살피게 하면(SIGHUP) 모든 규칙이 되돌아옵니다.',
  },
  'rules-shadowed': {
    title: '엔진의 규칙보다 앞서 막는 규칙이 없는지',
    text: ({ where, what }) =>
      what === 'policy'
        ? `엔진의 규칙이 무엇을 허용하든 ${where}의 기본 정책이 전달되는 패킷을 버립니다.`
        : `엔진의 규칙에 이르기 전에 ${where}의 규칙이 컨테이너의 패킷을 버립니다.`,
    remedy: () => '그 규칙을 없애거나, 브리지의 패킷이 그 앞에서 통과하게 하십시오.',
  },
  'bridge-filter-off': {
    title: '브리지 안의 프레임이 방화벽을 거치는지',
    text: ({ setting }, owner) =>
      `${owner} 네트워크는 컨테이너를 서로 격리해야 하지만(icc=false), 브리지 안의 프레임이 방화벽을 거치지 않아(${setting}이(가) 꺼짐) 서로 닿을 수 있습니다.`,
    remedy: () => '이 설정을 켜십시오.',
  },
  'subnet-overlap': {
    title: '네트워크의 서브넷이 겹치지 않는지',
    text: ({ subnet, other, link }, owner) =>
      `${owner} 네트워크의 서브넷 ${subnet}이(가) ${link}의 ${other}과(와) 겹칩니다. 응답이 엉뚱한 곳으로 갑니다.`,
    remedy: () =>
      '네트워크를 다른 서브넷으로 다시 만들거나(기본 네트워크는 daemon.json의 bip), 인터페이스에서 그 주소를 없애십시오.',
  },
  'route-over-subnet': {
    title: '경로가 컨테이너로 이어지는지',
    text: ({ subnet, route, link, hides }) =>
      hides
        ? `${link}을(를) 거치는 경로 ${route}이(가) 서브넷 ${subnet}의 경로를 가립니다. 호스트가 컨테이너로 보내는 패킷이 그쪽으로 갑니다.`
        : `${link}을(를) 거치는 경로 ${route}이(가) 서브넷 ${subnet}을(를) 포함합니다. ${link} 너머에서 같은 주소를 쓰는 호스트에는 닿을 수 없습니다.`,
    remedy: () =>
      '경로를 없애고, 그것을 만든 쪽이 다시 만들지 않게 하십시오(VPN의 AllowedIPs). 아니면 네트워크를 다른 대역으로 옮기십시오(기본 네트워크는 daemon.json의 bip).',
  },
  'gateway-missing': {
    title: '브리지에 주소가 있는지',
    text: ({ address, bridge }, owner) =>
      `브리지 ${bridge}에 ${owner} 네트워크의 게이트웨이 ${address}이(가) 없습니다. 컨테이너가 밖으로 나갈 수 없습니다.`,
    remedy: () => '브리지에 주소를 되돌려 주십시오.',
  },
  'bridge-down': {
    title: '브리지가 켜져 있는지',
    text: ({ bridge, gone }, owner) =>
      `${owner} 네트워크의 브리지 ${bridge}이(가) ${gone ? '없어졌습니다' : '꺼져 있습니다'}. 컨테이너가 아무 데도 닿지 못합니다.`,
    remedy: ({ gone }) =>
      gone ? '엔진이 브리지를 다시 만들게 한 뒤 컨테이너를 다시 연결하십시오.' : '브리지를 켜십시오.',
  },
  'veth-down': {
    title: '컨테이너가 브리지에 연결되어 있는지',
    text: ({ link, problem, inside }, owner) => {
      const end = `${owner}의 ${inside ? '인터페이스' : '호스트 쪽 끝'}${link === '' ? '' : ` ${link}`}`;
      switch (problem) {
        case 'gone':
          return `${end}이(가) 없어졌습니다. 컨테이너가 끊겨 있습니다.`;
        case 'down':
          return `${end}이(가) 꺼져 있습니다. 컨테이너가 끊겨 있습니다.`;
        case 'off-bridge':
          return `${end}이(가) 더 이상 브리지의 포트가 아닙니다. 컨테이너가 끊겨 있습니다.`;
        case 'no-carrier':
          return `${end}에 신호가 없습니다. 반대쪽 끝이 없거나 꺼져 있습니다.`;
        case 'blocked':
          return `${end}은(는) 브리지가 전달하지 않는 포트입니다. 컨테이너가 끊겨 있습니다.`;
      }
    },
    remedy: ({ problem }) =>
      problem === 'gone' || problem === 'no-carrier'
        ? '컨테이너를 다시 시작하면 새로 연결됩니다.'
        : '아래 명령으로 되돌리거나 컨테이너를 다시 시작하십시오.',
  },
  'mtu-mismatch': {
    title: '패킷 크기가 어디서나 맞는지',
    text: ({ link, mtu, other, otherMtu }, owner) =>
      `${link}은(는) ${mtu}바이트까지 보내지만 ${other}은(는) ${otherMtu}바이트까지만 나릅니다. ${owner}의 큰 패킷이 사라지거나 다시 보내야 합니다.`,
    remedy: () =>
      '모두 같은 크기로 맞추십시오. 네트워크의 크기는 만들 때, 기본 네트워크의 크기는 daemon.json의 mtu로 정합니다.',
  },
  'icmp-dropped': {
    title: '패킷이 너무 크다는 알림이 전해지는지',
    text: ({ where, stepDown }) =>
      `${where}의 규칙이 "패킷이 너무 큼"을 알리는 ICMP 메시지를 버립니다. ${
        stepDown
          ? '나가는 길이 컨테이너가 보내는 것보다 좁아서, 연결은 열리지만 그 뒤로 멈춥니다.'
          : '도중에 더 좁은 구간이 있으면, 연결은 열리지만 그 뒤로 멈춥니다.'
      }`,
    remedy: () => '그 규칙보다 앞에서 이 메시지를 통과시키십시오.',
  },
  'address-missing': {
    title: '컨테이너에 주소가 있는지',
    text: ({ address, link }, owner) =>
      `${owner}의 ${link}에서 주소 ${address}이(가) 사라졌습니다. 그 주소로는 아무도 닿지 못하고, 그리로 이어지는 공개된 포트도 응답하지 않습니다.`,
    remedy: () => '주소와 함께 사라진 경로를 되돌려 주거나, 컨테이너를 다시 시작하십시오.',
  },
  'default-route-missing': {
    title: '컨테이너에 나가는 길이 있는지',
    text: ({ family, gateway }, owner) =>
      `${owner}에 IPv${family} 기본 경로가 없습니다(처음에는 ${gateway}(으)로 나가는 경로가 있었습니다). 같은 네트워크에 있지 않은 상대에게는 응답하지 못합니다.`,
    remedy: () => '스스로 경로를 정하는 컨테이너가 아니라면, 경로를 되돌려 주십시오.',
  },
  'address-twice': {
    title: '주소마다 주인이 하나인지',
    text: ({ address, others }, owner) =>
      `${owner}의 주소 ${address}을(를) ${others}도 쓰고 있습니다. 패킷을 누가 받을지는 우연에 달려 있습니다.`,
    remedy: () =>
      '다른 쪽의 주소를 없애거나 다른 쪽을 브리지에서 떼어 내십시오. 그쪽에 필요한 주소라면 할당 대상에서 빼십시오(--aux-address, --ip-range).',
  },
  'mac-twice': {
    title: '하드웨어 주소마다 주인이 하나인지',
    text: ({ mac, others }, owner) =>
      `${owner}의 하드웨어 주소 ${mac}이(가) ${others}에서도 쓰입니다. 브리지가 프레임을 이쪽저쪽으로 번갈아 보냅니다.`,
    remedy: () =>
      '주소를 바꾼 쪽에 원래 주소를 되돌려 주십시오. 둘 다 같은 주소를 받았다면 한쪽을 다른 주소로 다시 만드십시오(--mac-address).',
  },
  'conntrack-missing': {
    title: '연결이 추적되는지',
    text: () =>
      '커널이 연결을 추적하지 않습니다(nf_conntrack이 올라와 있지 않음). 공개된 포트와 주소 변환이 동작할 수 없습니다.',
    remedy: () => '모듈을 올리십시오. 모듈이 없으면 그것이 든 커널 패키지를 설치하십시오.',
  },
  'conntrack-full': {
    title: '새 연결을 추적할 자리가 있는지',
    text: ({ entries, limit, dropped }) =>
      `연결 추적 표가 ${entries >= limit ? '' : '거의 '}찼습니다: ${limit} 가운데 ${entries}${dropped > 0 ? `, 그 때문에 패킷 ${dropped}개가 사라졌습니다` : ''}. 다 차면 새 연결이 실패합니다.`,
    remedy: () => '한도를 올리고, 누가 그렇게 많이 쓰는지 `bridgeport flows`로 보십시오.',
  },
  'time-wait': {
    title: '프록시가 쓸 로컬 포트가 있는지',
    text: ({ target, waiting, free, refused }) =>
      `프록시가 ${target}(으)로 맺은 연결이 로컬 포트 ${waiting}개를 TIME_WAIT로 잡고 있습니다. ${free}개가 남았습니다${refused > 0 ? `. 포트가 없어 연결 ${refused}개가 거절되었습니다` : ''}.`,
    remedy: () =>
      '클라이언트가 연결을 유지하게 하거나, localhost가 아닌 호스트 주소로 접속하게 하거나(그러면 커널이 처리합니다), net.ipv4.ip_local_port_range를 넓히십시오.',
  },
  'proxy-down': {
    title: '공개된 포트를 잡고 있는지',
    text: ({ lost, running }, owner) =>
      running
        ? `포트 지킴이가 ${owner}의 ${lost}을(를) 잡고 있지 않습니다. 지킴이가 없던 사이에 다른 프로그램이 가져갔습니다.`
        : `포트 지킴이가 돌고 있지 않습니다. ${lost}을(를) 아무도 잡고 있지 않습니다.`,
    remedy: ({ running }) =>
      running
        ? '누가 그 포트를 쓰는지 보고 그 프로그램을 끝내십시오. 1초 안에 지킴이가 되찾습니다.'
        : '데몬이 스스로 다시 시작합니다. 못 하는 까닭은 데몬의 로그에 있습니다.',
  },
  'published-nowhere': {
    title: '공개된 포트가 호스트의 포트로 열려 있는지',
    text: ({ ports, networks, why }, owner) => {
      switch (why) {
        case 'internal':
          return `${owner}은(는) ${ports}을(를) 공개해야 하지만 밖으로 나가는 길이 없는 네트워크(${networks})에만 있습니다. 포트가 아무 데도 공개되지 않았습니다.`;
        case 'parent':
          return `${owner}은(는) ${ports}을(를) 공개해야 하지만 호스트와 같은 네트워크(${networks})에 있습니다. 호스트의 어느 포트도 그리로 이어지지 않습니다.`;
        case 'none':
          return `${owner}은(는) ${ports}을(를) 공개해야 하지만 어느 네트워크에도 있지 않습니다. 포트가 아무 데도 공개되지 않았습니다.`;
      }
    },
    remedy: ({ why }) =>
      why === 'parent'
        ? '모든 포트가 열려 있는 컨테이너 자신의 주소로 접속하십시오. 호스트 자신은 다른 네트워크를 통해서만 닿을 수 있습니다.'
        : '밖으로 나가는 길이 있는 네트워크에도 연결하십시오. 그러면 그 네트워크에서 포트가 공개됩니다.',
  },
  'listener-unreached': {
    title: '공개된 포트가 가리키는 곳에서 서버가 듣는지',
    text: ({ port, addresses, containerIp }, owner) =>
      `${owner} 안에서 포트 ${port}은(는) ${addresses}에서만 듣고 있는데, 공개된 포트는 ${containerIp}(으)로 이어집니다. 연결이 거절됩니다.`,
    remedy: () => '서버가 모든 주소(0.0.0.0)에서 듣게 하십시오.',
  },
  'label-unknown': {
    title: 'Bridgeport의 레이블에 뜻이 있는지',
    text: ({ label, why }, owner) =>
      why === 'unknown'
        ? `${owner}의 레이블 ${label}은(는) 아무 효과가 없습니다. Bridgeport가 아는 것은 bridgeport.port.PORT.proxy-protocol입니다.`
        : `${owner}의 레이블 ${label}은(는) 아무 효과가 없습니다. 컨테이너의 그 포트는 공개되어 있지 않습니다.`,
    remedy: ({ why }) =>
      why === 'unknown'
        ? '레이블을 올바로 쓰거나 빼고 컨테이너를 다시 만드십시오.'
        : '레이블에 컨테이너 쪽 포트(-p 8080:80의 두 번째)를 써서 컨테이너를 다시 만들거나, 그 포트를 공개하십시오.',
  },
  'resolver-dead': {
    title: '이름 서버가 응답하는지',
    text: ({ server, why }, owner) =>
      `${owner === 'host' ? '' : `${owner}의 `}이름 서버 ${server}${why === 'silent' ? '이(가) 응답하지 않습니다' : '에 닿을 수 없습니다'}. 외부의 이름을 늦게 찾거나 찾지 못합니다.`,
    remedy: (_facts, owner) =>
      owner === 'host'
        ? '호스트의 /etc/resolv.conf를 고치십시오. Bridgeport는 그것을 바로 따르고, Docker Engine의 컨테이너는 다시 시작할 때 따릅니다.'
        : '응답하는 서버를 컨테이너에 주십시오(--dns).',
  },
  leftovers: {
    title: '사라진 컨테이너의 흔적이 없는지',
    text: ({ kind, name }) =>
      `${kind === 'namespace' ? '네트워크 네임스페이스' : kind === 'link' ? '링크' : '마운트'} ${name}은(는) 어느 컨테이너의 것도 아닙니다. 이전 데몬이나 비정상 종료가 남긴 것입니다.`,
    remedy: () => '다음에 데몬이 시작할 때 없앱니다. 손으로 없애도 됩니다.',
  },
};
