/*
 * What `bridgeport doctor` found, as `GET /bridgeport/doctor?lang=en|ko` answers it (an extension of Bridgeport's API: the path has no
 * version) and as `bridgeport doctor --json` prints it. Texts are in the language that was asked for; ids and evidence are not translated.
 */

/** Languages of the texts. */
export type DoctorLanguage = 'en' | 'ko';

export interface DoctorReport {
  /** The host's name. */
  host: string;
  language: DoctorLanguage;
  /** Every check that was made, in order. */
  checks: DoctorCheck[];
  /** What is wrong, the worst first; empty when all is well. */
  findings: DoctorFinding[];
}

export interface DoctorCheck {
  /** `forwarding-off`, `veth-down` …: stable. */
  id: string;
  /** What is looked at, in words. */
  title: string;
  /** `unknown`: it could not be looked at; `reason` says why. */
  status: 'ok' | 'finding' | 'unknown';
  reason?: string;
}

export interface DoctorFinding {
  /** `DoctorCheck.id`. */
  check: string;
  /** `error`: something does not work; `warning`: something will not work under some condition that the text names. */
  severity: 'error' | 'warning';
  /** Whose it is: who suffers, or who made it, where that is known. */
  owner: DoctorOwner;
  /** What is wrong, in one sentence or two. */
  text: string;
  /** What was seen: settings, rules, routes, as the system's own tools print them. */
  evidence: string[];
  /** What would help, in words. */
  remedy: string;
  /** Commands for a shell of root on the host, in their order, which put it right; none where they are not known. */
  commands: string[];
}

export interface DoctorOwner {
  /** `program`: something that is not ours, known by its traces (`firewalld`, an interface of a VPN). */
  kind: 'host' | 'network' | 'container' | 'daemon' | 'program';
  /** Without a slash. */
  name: string;
  /** 64 hexadecimal digits, of networks and containers. */
  id?: string;
}
