/** Korean. */

import type { Catalogue } from './catalogue.ts';

const unless = (negated: boolean, text: string) => (negated ? `${text} 것이 아닌` : text);

export const ko: Catalogue = {
  sentences: {
    'user-jump': '사용자 체인 DOCKER-USER에 가장 먼저 물어봅니다.',
    'user-return': 'DOCKER-USER가 결정하지 않은 패킷은 아래 규칙으로 넘어갑니다.',
    'isolation-jump': '무엇이든 허용하기 전에 네트워크끼리 격리되는지 확인합니다.',
    'isolation-known': '이미 허용된 연결이나 공개 포트로 들어온 연결의 패킷은 네트워크를 건너갈 수 있습니다.',
    'isolation-from': '{network} 네트워크에서 다른 인터페이스로 나가는 패킷은 2단계 검사를 거칩니다.',
    'isolation-to': '다른 네트워크의 패킷은 {network} 네트워크로 들어올 수 없습니다.',
    'isolation-published': '다른 네트워크의 패킷은 공개된 포트로만 {network} 네트워크에 들어올 수 있습니다.',
    'isolation-return': '네트워크를 건너가지 않는 패킷입니다.',
    'internal-in': '{network} 네트워크는 내부 전용이므로 밖에서 아무것도 들어오지 못합니다.',
    'internal-out': '{network} 네트워크는 내부 전용이므로 아무것도 밖으로 나가지 못합니다.',
    'direct-trusted': '신뢰하는 인터페이스에서는 {network} 네트워크에 주소로 직접 접근할 수 있습니다.',
    'direct-drop':
      '공개 포트를 거치지 않고 {network} 네트워크의 컨테이너 주소로 직접 들어오는 새 연결은 버립니다.',
    established: '{network} 네트워크의 컨테이너가 요청한 것에 대한 응답은 들어올 수 있습니다.',
    'published-jump': '패킷이 {network} 네트워크에 들어올 수 있는지는 공개 포트와 링크가 결정합니다.',
    'unprotected-accept': '{network} 네트워크는 보호되지 않으므로 경로가 있으면 누구나 들어올 수 있습니다.',
    'routed-drop': '라우팅 방식인 {network} 네트워크에는 그 밖에 아무것도 들어오지 못합니다.',
    'unpublished-drop':
      '직접 접근할 수 있는 곳에서도 {network} 네트워크에는 그 밖에 아무것도 들어오지 못합니다.',
    'routed-icmp': '라우팅 방식인 {network} 네트워크의 컨테이너는 ping에 응답합니다.',
    outgoing: '{network} 네트워크의 컨테이너는 바깥에 접근할 수 있습니다.',
    'icc-accept': '{network} 네트워크의 컨테이너는 서로 통신할 수 있습니다.',
    'icc-drop': '{network} 네트워크의 컨테이너는 서로 통신할 수 없습니다(icc 꺼짐).',
    'icc-published':
      '공개 포트는 모두에게 열려 있으므로 {network} 네트워크의 컨테이너도 그 포트로는 서로 통신할 수 있습니다.',
    'icc-neighbours':
      '그런 연결에 응답할 수 있도록 {network} 네트워크의 컨테이너는 서로의 하드웨어 주소를 찾을 수 있습니다.',
    'nat-incoming': '이 호스트의 주소로 들어온 패킷은 공개 포트를 찾는 것일 수 있습니다.',
    'nat-local': '이 호스트가 자신에게 보내는 패킷은 공개 포트를 찾는 것일 수 있습니다.',
    'proxy-return': '{network} 네트워크 자신이 공개 포트로 보내는 패킷은 사용자 공간 프록시로 갑니다.',
    'proxy-lookup': '네트워크 자신이 공개 포트로 보내는 패킷은 사용자 공간 프록시로 갑니다.',
    masquerade: '{network} 네트워크의 패킷은 이 호스트의 주소를 달고 나갑니다.',
    snat: '{network} 네트워크의 패킷은 지정된 주소를 달고 나갑니다.',
    'masquerade-local':
      '이 호스트가 {network} 네트워크로 보내는 패킷은 컨테이너가 응답할 수 있는 주소를 답니다.',
    'port-accept':
      '{endpoint} 컨테이너의 {containerPort}번 포트가 공개되어 있어 그 포트로 오는 패킷은 들어옵니다.',
    'port-translate':
      '{hostIp}의 {hostPort}번 포트는 {endpoint} 컨테이너의 {containerPort}번 포트를 가리킵니다.',
    'port-hairpin': '{endpoint} 컨테이너는 자신의 공개 포트 {hostPort}번에 접근할 수 있습니다.',
    'link-request':
      '{endpoint} 컨테이너는 {alias}(으)로 링크된 {server} 컨테이너의 {containerPort}번 포트에 연결할 수 있습니다.',
    'link-answer':
      '{server} 컨테이너는 링크된 {containerPort}번 포트에서 {endpoint} 컨테이너에 응답할 수 있습니다.',
    'localhost-jump': '이 호스트가 자신의 루프백 주소로 보내는 패킷은 공개 포트를 찾는 것일 수 있습니다.',
    'localhost-masquerade':
      'localhost에서 {network}로 가는 패킷은 컨테이너가 응답할 수 있는 주소를 가집니다.',
    'loopback-source-drop': '다른 곳에서 온 패킷이 이 호스트 자신에게서 온 것처럼 보여서는 안 됩니다.',
    'loopback-drop':
      '밖에서 온 패킷은 루프백 주소를 달 수 없습니다. 루프백에 공개한 포트는 이 호스트에만 열려 있습니다.',
    'known-bridge': '{network} 네트워크는 서로 격리되는 네트워크 가운데 하나입니다.',
    'leaving-jump': '네트워크에서 나가는 패킷은 떠나온 브리지의 체인에 물어봅니다.',
    'entering-jump': '네트워크로 들어오는 패킷은 향하는 브리지의 체인에 물어봅니다.',
    'network-jump': '{network} 네트워크의 패킷에는 전용 체인이 있습니다.',
    'port-lookup': '{network} 네트워크의 공개 포트는 아무리 많아도 한 번의 조회로 찾습니다.',
    'link-lookup': '{network} 네트워크의 링크가 여는 것은 한 번의 조회로 찾습니다.',
    'translate-lookup': '이 호스트의 포트가 어느 컨테이너를 가리키는지는 한 번의 조회로 찾습니다.',
    'link-local-return': '링크 로컬 주소를 쓰는 클라이언트는 사용자 공간 프록시가 맡습니다.',
    'hairpin-lookup': '{network} 네트워크의 컨테이너는 응답할 수 있는 주소로 자신의 공개 포트에 접근합니다.',
    hairpin: '{endpoint} 컨테이너는 자신의 공개 포트에 접근할 수 있습니다.',
  },
  without: {
    'user-say': '없으면 DOCKER-USER의 사용자 규칙에 물어보지 않습니다.',
    apart: '없으면 네트워크끼리 서로 통신하게 됩니다.',
    crossing: '없으면 응답과 공개 포트로 가는 패킷이 네트워크를 건너가지 못합니다.',
    published: '없으면 허용되지 않은 것을 버리는 호스트에서 공개 포트에 들어올 수 없습니다.',
    translated:
      '없으면 호스트의 포트는 사용자 공간 프록시로만 이어지고, 프록시가 꺼져 있으면 아무 데도 이어지지 않습니다.',
    closed: '없으면 네트워크가 더는 닫혀 있지 않습니다.',
    direct: '없으면 경로가 있는 이웃이 컨테이너의 모든 포트에 연결할 수 있습니다.',
    trusted: '없으면 그 인터페이스에서 컨테이너에 직접 접근할 수 없습니다.',
    answers: '없으면 허용되지 않은 것을 버리는 호스트에서 컨테이너가 응답을 받지 못합니다.',
    outgoing: '없으면 허용되지 않은 것을 버리는 호스트에서 컨테이너가 바깥에 접근하지 못합니다.',
    icc: '없으면 허용되지 않은 것을 버리는 호스트에서 네트워크의 컨테이너가 서로 통신하지 못합니다.',
    'icc-open': '없으면 icc가 꺼져 있는데도 네트워크의 컨테이너가 서로 통신하게 됩니다.',
    source: '없으면 밖에서 아무도 응답할 수 없는 주소를 달고 패킷이 나갑니다.',
    'local-source': '없으면 컨테이너가 닿을 수 없는 주소로 응답하게 됩니다.',
    hairpin: '없으면 컨테이너가 자신의 공개 포트에 접근하지 못합니다.',
    link: '없으면 링크된 컨테이너에 접근하지 못합니다.',
    loopback: '없으면 이웃이 이 호스트에만 공개한 포트에 접근할 수 있습니다.',
    proxy: '없으면 패킷의 주소가 바뀌어 응답이 같은 길로 돌아오지 않습니다.',
    ping: '없으면 네트워크의 컨테이너가 ping에 응답하지 않습니다.',
    unprotected: '없으면 네트워크의 공개 포트만 열립니다.',
    nothing: '없어도 패킷에는 달라지는 것이 없습니다.',
  },
  words: {
    everyAddress: '호스트의 모든 주소',
    host: '호스트',
    outside: '바깥',
    everyNetwork: '모든 네트워크',
    user: '사용자 또는 알 수 없는 프로그램',
    or: '또는',
    container: (name) => `${name} 컨테이너`,
    network: (name) => `${name} 네트워크`,
    portOf: (port, container) => `${container} 컨테이너의 ${port} 포트`,
    linkOf: (client, server) => `${client} 컨테이너에서 ${server} 컨테이너로 가는 링크`,
    kernelDefault: () => '커널 기본값',
    setting: (name) => `${name} 설정`,
    interface: (name) => `${name} 인터페이스`,
    service: (container) => `${container} 컨테이너의 서비스`,
    nameServer: (address) => `${address} 네임 서버`,
    embeddedResolver: (address, upstreams) =>
      `엔진의 ${address} 리졸버${upstreams.length === 0 ? '' : `(${upstreams.join(', ')} 서버에 물어봅니다)`}`,
  },
  hooks: {
    ingress: '패킷이 인터페이스에서 나오자마자, 무엇보다 먼저 물어봅니다.',
    prerouting: '패킷이 들어와 어디로 갈지 아직 모를 때 물어봅니다.',
    input: '이 호스트 자신에게 온 패킷입니다.',
    forward: '한 인터페이스에서 다른 인터페이스로 이 호스트를 지나가는 패킷입니다.',
    output: '이 호스트의 프로그램이 보내는 패킷입니다.',
    postrouting: '어느 인터페이스로 나갈지 정해져 패킷이 떠날 때 물어봅니다.',
  },
  foreign: {
    source: (value, negated) => unless(negated, `${value}에서 온`),
    destination: (value, negated) => unless(negated, `${value} 주소로 가는`),
    sourcePort: (value, negated) => unless(negated, `${value}번 포트에서 온`),
    destinationPort: (value, negated) => unless(negated, `${value}번 포트로 가는`),
    protocol: (value, negated) => unless(negated, `프로토콜이 ${value}인`),
    input: (value, negated) => unless(negated, `${value} 인터페이스로 들어온`),
    output: (value, negated) => unless(negated, `${value} 인터페이스로 나가는`),
    state: (value, negated) => unless(negated, `연결 상태가 ${value}인`),
    originalPort: (value, negated) => unless(negated, `처음에 ${value}번 포트로 보낸`),
    marked: (value, negated) => unless(negated, `표시가 ${value}인`),
    local: (value, negated) => unless(negated, `${value}인`),
    set: (value, negated) => unless(negated, `${value} 집합에 있는`),
    other: (value, negated) => unless(negated, `"${value}" 조건에 맞는`),
    packets: (phrases) => (phrases.length === 0 ? '모든 패킷' : `${phrases.join(', ')} 패킷`),
    accept: (packets) => `${packets}을 허용합니다.`,
    drop: (packets) => `${packets}을 보낸 쪽에 알리지 않고 버립니다.`,
    reject: (packets) => `${packets}을 거부하고 보낸 쪽에 알립니다.`,
    leave: (packets) => `${packets}은 이 체인을 떠나 앞 체인의 다음 규칙으로 갑니다.`,
    ask: (packets, chain) => `${packets}을 ${chain} 체인에 물어봅니다.`,
    queue: (packets) => `${packets}을 프로그램에 넘겨 결정하게 합니다.`,
    destinationBecomes: (packets, to) => `${packets}의 목적지를 ${to} 주소로 바꿉니다.`,
    sourceBecomes: (packets, to) => `${packets}의 출발지를 ${to} 주소로 바꿉니다.`,
    masquerade: (packets) => `${packets}의 출발지를 나가는 인터페이스의 주소로 바꿉니다.`,
    redirect: (packets, port) =>
      `${packets}을 이 호스트 자신${port === '' ? '' : `의 ${port}번 포트`}에 보냅니다.`,
    mark: (packets) => `${packets}에 표시를 답니다.`,
    notrack: (packets) => `${packets}을 연결 추적에서 제외하므로 주소가 바뀌지 않습니다.`,
    count: (packets) => `${packets}을 세거나 기록할 뿐 결정하지 않습니다.`,
    look: (packets, set) => `${packets}을 ${set}에서 조회해 결정합니다.`,
    unknown: (text) => `해석하지 못한 규칙: ${text}.`,
  },
  warnings: {
    dropsBefore: () => '엔진의 규칙보다 앞에 있어, 여기서 버린 패킷은 어떤 공개 포트로도 들어올 수 없습니다.',
    acceptsBefore: () =>
      '엔진의 규칙보다 앞에 있어, 여기서 허용한 패킷에는 네트워크 격리를 적용하지 않습니다.',
    policyDrop: (owner) =>
      `이 체인에서 허용되지 않은 것은 버려지며(${owner}), 다른 곳에 있는 엔진의 규칙이 되살릴 수 없습니다.`,
    foreignDrop: (owner) =>
      `다른 테이블이 허용하더라도 패킷을 버립니다(${owner}). 버림은 최종이고 허용은 그렇지 않습니다.`,
    userFirst: () => '엔진의 모든 규칙보다 먼저 물어보며 결정합니다.',
  },
  steps: {
    name: (name, address, network) => `${name} 이름은 ${network} 네트워크의 ${address} 주소를 뜻합니다.`,
    nameByHand: (address) => `${address} 주소로 보냅니다.`,
    nameInHosts: (who, name, addresses) =>
      `${who}의 /etc/hosts 파일에서 ${name} 이름의 주소는 ${addresses.join(', ')}입니다.`,
    nameAsked: (who, server, name, answer) => `${who}에서 ${server}에 ${name} 이름을 물어봅니다: ${answer}.`,
    nameAnswer: ({ outcome, addresses, detail }) =>
      ({
        found: addresses.join(', '),
        unknown: '그런 이름이 없습니다',
        empty: '이름에 주소가 없습니다',
        failed: `실패합니다(${detail})`,
        silent: '답이 없습니다',
        unreachable: `물어볼 수 없습니다(${detail})`,
      })[outcome],
    sent: (where) => `${where}의 프로그램이 보냅니다.`,
    entered: (link) => `밖에서 ${link} 인터페이스로 들어옵니다.`,
    routeLocal: () => '라우팅 테이블: 여기로 온 패킷입니다.',
    route: (link, via, prefix) =>
      `라우팅 테이블(${prefix}): ${link} 인터페이스로, ${via === undefined ? '이웃에게 바로' : `라우터 ${via} 쪽으로`} 보냅니다.`,
    rules: (hook, count, bridged) =>
      `${hook}${bridged ? '(브리지 안에 머무는 패킷)' : ''}: 규칙 ${count}개가 맞습니다.`,
    noRules: (hook) => `${hook}: 맞는 규칙이 없습니다.`,
    destination: (from, to) => `목적지가 ${from}에서 ${to} 주소로 바뀝니다.`,
    source: (from, to) => `출발지가 ${from}에서 ${to} 주소로 바뀝니다.`,
    back: (from, to) => `연결 추적이 ${from} 주소를 ${to} 주소로 되돌립니다.`,
    wire: (link, where, other) =>
      `veth 쌍을 지납니다. ${link} 쪽으로 들어가 ${where}의 ${other} 쪽으로 나옵니다.`,
    bridge: (bridge, port) => `${bridge} 브리지가 ${port} 포트로 넘깁니다.`,
    bridgeUp: (bridge) => `${bridge} 브리지가 호스트에 넘깁니다.`,
    proxy: (target) => `사용자 공간 프록시가 받아 ${target} 쪽으로 새 연결을 엽니다.`,
    socket: (address, program) =>
      `${program === undefined ? '소켓이' : `${program} 프로그램이`} ${address}에서 기다리고 있어 도착합니다.`,
    kernelAnswers: () => '커널이 직접 응답하므로 도착합니다.',
    answerArrives: () => '응답이 도착합니다.',
    left: (link) => `${link} 인터페이스로 나갑니다. 그 너머는 여기서 알 수 없습니다.`,
    pausedAsker: () => '일시 정지되어 아무것도 보내지 않습니다. 실행 중이라면 다음과 같이 됩니다.',
    pausedTarget: () => '일시 정지되어 받는 프로그램이 없습니다.',
    doubt: (rule, because) => `${rule} 규칙이 맞는지 알 수 없습니다: ${because}.`,
  },
  legs: {
    there: (from, to) => `${from}에서 ${to}까지`,
    back: (from, to) => `응답: ${from}에서 ${to}까지`,
    proxied: (to) => `사용자 공간 프록시에서 ${to}까지`,
    nameServer: (from, server) => `이름을 묻는 질문: ${from}에서 ${server} 네임 서버까지`,
  },
  headline: {
    yes: (from, to, what) => `예: ${from}에서 ${to}까지 닿습니다(${what}).`,
    no: (from, to, what) => `아니요: ${from}에서 ${to}까지 닿지 않습니다(${what}).`,
    unknown: (from, to, what) => `${from}에서 ${to}까지 닿는지 알 수 없습니다(${what}).`,
  },
  causes: {
    rule: (rule, owner, outcome, where) =>
      `${where === undefined ? '' : `${where}의 `}"${rule}" 규칙(${owner})이 ${outcome === 'drop' ? '버립니다' : '거부합니다'}.`,
    policy: (chain, owner, where) =>
      `허용하는 규칙이 없고, ${where === undefined ? '' : `${where}의 `}${chain} 체인의 정책이 허용되지 않은 것을 버립니다(${owner}).`,
    iccOff: (network) => `${network} 네트워크는 enable_icc=false로 만들어져 컨테이너끼리 통신할 수 없습니다.`,
    noCommonNetwork: (from, to) =>
      `${from}와(과) ${to}가 함께 속한 네트워크가 없고, 네트워크끼리는 격리됩니다.`,
    internalNetwork: (network) => `${network} 네트워크는 내부 전용이므로 아무것도 드나들지 못합니다.`,
    directAccess: (container) =>
      `${container} 컨테이너의 주소로 직접 보냈습니다. 그 주소는 같은 네트워크에만 열려 있고, 다른 곳에서는 공개 포트로 들어와야 합니다.`,
    ruleMissing: (rule, why) => `규칙이 없어졌습니다: "${rule}". ${why}`,
    notPublished: (container, port) => `${container} 컨테이너의 ${port} 포트는 공개되어 있지 않습니다.`,
    publishedOnLoopback: (port) => `${port} 포트는 루프백 주소에 공개되어 이 호스트에만 열려 있습니다.`,
    proxyGone: (port) =>
      `호스트의 ${port}에서 기다리는 프로그램이 없습니다. 공개 포트를 맡는 프로세스가 실행되고 있지 않습니다.`,
    notRunning: (container, state) => `${container} 컨테이너가 실행되고 있지 않습니다(${state}).`,
    paused: (container, protocol) =>
      protocol === 'tcp'
        ? `${container} 컨테이너가 일시 정지되어 프로그램이 실행되지 않습니다. 연결은 소켓의 대기열이 찰 때까지 커널이 받아 두지만, 읽거나 응답하는 프로그램이 없습니다.`
        : `${container} 컨테이너가 일시 정지되어 프로그램이 실행되지 않습니다. 들어온 것은 커널이 쌓아 두지만, 읽거나 응답하는 프로그램이 없습니다.`,
    pausedAsker: (container) =>
      `${container} 컨테이너가 일시 정지되어 프로그램이 실행되지 않으므로 아무것도 요청하지 못합니다.`,
    ownParent: (device, driver, container) =>
      `${container} 컨테이너의 ${driver} 인터페이스는 호스트의 ${device} 인터페이스 위에 있고, 커널은 그 둘 사이에 패킷을 전하지 않습니다.`,
    emptyNetwork: (network) => `${network} 네트워크에 실행 중인 컨테이너가 없습니다.`,
    noFamily: (who, family) => `${who}에는 IPv${family} 주소가 없습니다.`,
    noRoute: (where, address) => `${where}에는 ${address} 주소로 가는 경로가 없습니다.`,
    refusedRoute: (where, address, type) => `${where}의 경로가 ${address} 주소를 거부합니다(${type}).`,
    forwardingOff: (setting) => `커널이 패킷을 전달하지 않습니다: ${setting} 설정이 0입니다.`,
    reversePath: (link, source, back) =>
      `${link} 인터페이스의 역경로 필터가 버립니다: ${back === undefined ? `${source} 주소로 돌아가는 경로가 없습니다` : `${source} 주소로 돌아가는 경로는 ${back} 쪽입니다`}.`,
    loopbackOutside: (address, link) =>
      `루프백 주소 ${address}는 ${link} 인터페이스에 있을 수 없으므로 커널이 버립니다.`,
    ownSource: (address, link) =>
      `${link} 인터페이스로 들어온 패킷의 출발지 ${address}가 받는 쪽 자신의 주소입니다.`,
    linkDown: (link, where) => `${where}의 ${link} 인터페이스가 꺼져 있습니다.`,
    noCarrier: (link, where) =>
      `${where}의 ${link} 인터페이스에 신호가 없습니다. 반대쪽 끝이 꺼졌거나 없습니다.`,
    portBlocked: (link, state) => `브리지가 ${link} 포트로 전달하지 않습니다(${state}).`,
    nobodyThere: (address, link) => `${link}에 ${address} 주소를 가진 상대가 없습니다.`,
    hairpinOff: (link) =>
      `들어온 포트 ${link} 쪽으로 되돌아가야 하는데 그 포트의 헤어핀 모드가 꺼져 있습니다.`,
    portsIsolated: (link) => `브리지의 ${link} 포트는 나가야 할 포트와 분리되어 있습니다.`,
    noSocket: (where, port) => `${where}에서 ${port} 포트를 기다리는 프로그램이 없습니다.`,
    otherAddress: (where, port, addresses) =>
      `${where}에서 ${port} 포트는 ${addresses} 주소에서만 기다립니다.`,
    answerFromElsewhere: (from, expected) =>
      `응답이 요청한 ${expected} 주소가 아니라 ${from} 주소에서 와서 모르는 상대의 것으로 여겨집니다.`,
    answerToElsewhere: (where) => `응답이 요청한 쪽이 아니라 ${where} 쪽으로 갑니다.`,
    routeElsewhere: (address, link, route) =>
      `호스트가 ${address} 주소로 가는 패킷을 ${link} 인터페이스로 내보냅니다. ${route} 경로가 네트워크의 경로보다 앞섭니다.`,
    inAnswer: (text) => `요청은 도착하지만 응답이 돌아오지 않습니다. ${text}`,
    nameUnknown: (name, server) => `${name} 이름이 없다고 ${server}에서 답합니다.`,
    nameEmpty: (name, family) =>
      `${name} 이름에는 ${family === undefined ? '' : `IPv${family} `}주소가 없습니다.`,
    nameBlocked: (name, address) =>
      `${name} 이름의 주소가 누구의 것도 아닌 ${address}입니다. 이름을 막는 네임 서버가 그렇게 답합니다.`,
    nameInternal: (container) =>
      `${container} 컨테이너는 닫힌 네트워크에만 있어, 엔진의 리졸버가 대신 밖에 이름을 물어보지 않습니다.`,
    nameFails: (name, server, answer) => `${name} 이름의 주소를 알아낼 수 없습니다. ${server}: ${answer}.`,
    nameUnasked: (name, server, why) =>
      `${name} 이름의 주소를 알아낼 수 없습니다. 질문이 ${server}까지 가지 못합니다. ${why}`,
    nameUnanswered: (name, server) =>
      `${name} 이름의 주소를 알아낼 수 없습니다. 가는 길에 막는 것이 없는데도 ${server}에서 답이 없습니다.`,
    nameUnforwarded: (name, server, upstream) =>
      `${name} 이름의 주소를 알아낼 수 없습니다. ${server}에서 답을 받지 못하거나 거절당합니다. ${upstream}까지 가는 길에는 막는 것이 없습니다.`,
    noNetwork: (container) =>
      `${container} 컨테이너는 어떤 네트워크에도 속하지 않아 루프백 인터페이스만 있습니다.`,
    noWayBack: (where, address) =>
      `${where}에는 ${address} 주소로 가는 경로가 없어, 그곳에서 오는 것도 없고 응답도 돌아갈 수 없습니다.`,
    addressGone: (container, address) =>
      `${container} 컨테이너가 ${address} 주소를 잃어, 그 주소를 가진 인터페이스가 없습니다.`,
    bridgeGone: (bridge, address, isUp) =>
      isUp
        ? `${bridge} 브리지가 ${address} 주소를 잃어, 호스트에서 그 네트워크로 가는 경로도 없어졌습니다.`
        : `${bridge} 브리지가 꺼져 있어, 호스트에서 그 네트워크로 가는 경로가 없습니다.`,
    wrongNeighbour: (address, mac, link) =>
      `손으로 만든 이웃 항목에 따르면 ${address} 주소는 ${mac}에 있지만, ${link}에는 그런 상대가 없습니다.`,
    detached: (veth, container, bridge) =>
      `${container} 컨테이너의 ${veth} 인터페이스가 ${bridge} 브리지의 포트가 아닙니다.`,
    sentElsewhere: (rule, owner, to) => `"${rule}" 규칙(${owner})이 대신 ${to} 쪽으로 보냅니다.`,
  },
  remarks: {
    ruleMissing: (rule, why) => `여기서는 상관없지만 엔진의 규칙이 없어졌습니다: "${rule}". ${why}`,
    noNamesOnDefault: (name) =>
      `이름이 있는 네트워크를 함께 쓰지 않아 그곳에서는 ${name} 이름을 알지 못합니다. 주소로는 됩니다. 기본 브리지에서는 --link를, 아니면 직접 만든 네트워크를 쓰십시오.`,
    answerNeedsRoute: (address) =>
      `패킷의 출발지가 ${address} 그대로이므로, 그 주소로 돌아가는 경로가 있는 상대만 응답할 수 있습니다.`,
    mtu: (link, mtu, other) =>
      `${link}의 MTU ${mtu}가 보내는 쪽의 ${other}보다 작아, 큰 패킷은 경로 MTU 탐색에 달려 있습니다.`,
    chosenPort: (port) => `포트를 정하지 않아 ${port} 포트로 물어보았습니다.`,
    chosenContainer: (container, network) => `${network} 네트워크에서 ${container} 컨테이너를 골랐습니다.`,
    bridgedUnfiltered: (network) =>
      `${network} 네트워크는 icc가 꺼져 있지만, 커널이 한 브리지 안의 패킷을 방화벽에 보여 주지 않습니다(bridge-nf-call-iptables 꺼짐).`,
    unread: (what) => `읽지 못한 것이 있어 답이 틀릴 수 있습니다: ${what}.`,
    paused: (container) => `${container} 컨테이너도 일시 정지되어 있습니다.`,
    ownLoopback: (container) =>
      `루프백 주소는 저마다 자기 자신입니다. ${container} 컨테이너에서는 호스트가 아니라 컨테이너 자신을 가리킵니다. 호스트에는 게이트웨이 주소로 닿으며, --add-host host.docker.internal:host-gateway 옵션이 그 주소에 이름을 붙입니다.`,
    unwalked: (tables) =>
      `다음 nftables 테이블이 하는 일은 따라가지 않으므로 답이 틀릴 수 있습니다: ${tables.join(', ')}.`,
    hangsOn: (what) => `여기에 달려 있습니다: ${what}`,
    nameOf: (name, address) => `호스트의 네임 서버에 따르면 ${name} 이름의 주소는 ${address}입니다.`,
    nameSlow: (server) =>
      `${server} 네임 서버가 답하지 않습니다. 프로그램은 다음 서버에 묻기 전에 기본 5초를 기다립니다.`,
    singleLabelStays: (server) =>
      `/etc/resolv.conf 파일의 ndots 값이 0보다 커서, ${server} 리졸버는 점이 없는 이름을 다른 곳에 물어보지 않습니다.`,
  },
  probe: {
    agrees: () => '실제 패킷도 모델이 말한 대로 움직였습니다.',
    differs: (model, packet) => `실제 패킷은 다르게 움직였습니다. 모델: ${model} 패킷: ${packet}`,
    cannot: (why) => `패킷을 보내지 않았습니다: ${why}.`,
    legacy: () => '여기서는 iptables-legacy 규칙도 결정하는데, 커널은 그것을 nftables로 추적하지 못합니다.',
    nothingSeen: () =>
      '커널이 그 패킷에 대해 아무것도 알려 주지 않았습니다. 호스트의 어떤 체인에도 물어보지 않았습니다.',
    nothingToSend: () => '보낼 곳이나 받을 곳이 없습니다',
    onlyTcpUdp: () => 'TCP와 UDP만 보내 볼 수 있습니다',
    outside: () => '밖에서 와야 하는 패킷인데 이 호스트에는 밖에 있는 것이 없습니다',
    outcome: (outcome) =>
      ({
        connected: '응답을 받았습니다.',
        refused: '거부되었습니다.',
        silent: '아무 응답도 없었습니다.',
      })[outcome],
    dropped: (rule) => `버려졌습니다: ${rule}.`,
    undecided: (packet) => `실제 패킷을 보냈지만 그 결과로는 모델이 맞는지 알 수 없습니다. ${packet}`,
  },
};
