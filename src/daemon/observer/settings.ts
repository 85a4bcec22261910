/** What is taken for granted of an engine that only its API tells of: Docker's own defaults. */
export const DOCKER_SETTINGS = { engine: 'Docker', firewall: 'iptables', userlandProxy: true } as const;
