/** Names for containers that were given none: an adjective and the surname of somebody who joined things together. */

import { randomInt } from 'node:crypto';

/** What a container's name may look like: Docker's own rule, `[a-zA-Z0-9][a-zA-Z0-9_.-]+`. */
export const NAME_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

// Bridge builders, and people who built or explained networks. Lower-case ASCII only, so that a name is a valid
// hostname label but for the underscore, as users expect from Docker.
const SURNAMES = `
  abramson allman ammann andreessen arup babcock baran baudot bell bellovin berners bina boggs bolt bosack brindley
  brunel cailliau calatrava cerf chappe cheshire clark cohen conway cooke crocker culmann davies deering diffie dijkstra
  ding dinkelacker eads eiffel ellet engelbart erlang euler fahlman faraday feinler finley floyd fontana freyssinet
  fowler gosling hamming hellman hennebique henry holzmann huffman jacobson jacobs kahn kaminsky karels kirstein
  kleinrock klensin lamarr lampson leonhardt licklider lindenthal lougheed lovelace lynn maillart malcom marconi maxwell
  mccahill mcquillan menn merkle metcalfe meucci mills mockapetris modjeski moisseiff morandi morse navier nyquist
  padlipsky partridge perlman perronet polonceau postel pouzin rekhter rennie reynolds ritchie roberts robinson roebling
  saltzer schlaich seguin shannon shaw stearns steinman stephenson stevens strauss strowger sunshine sussman taylor
  telford theiler tomlinson torroja touch trautwine varga vixie waddell wernimont wheatstone wolff
  zimmermann
`
  .trim()
  .split(/\s+/);

const ADJECTIVES = `
  able agile airy amber ample arched balmy bold brave breezy bright brisk calm candid cheerful clear clever cosy crisp
  curious daring deft direct dreamy eager earnest easy elegant fair famous fearless festive firm fleet fluent fond frank
  fresh gallant generous gentle genial glad golden graceful grand happy hardy hearty helpful honest hopeful humble jolly
  jovial keen kind lasting level lively loyal lucid lucky mellow merry mighty mindful modest neat nimble noble patient
  placid plucky polite prompt proud quick quiet radiant ready resolute robust rosy serene sharp silver sincere smooth
  sober solid sound spry stable steady stout sturdy subtle sunny supple swift tender thrifty tidy tireless true trusty
  upbeat upright valiant vivid warm wary wise witty worthy zealous zesty
`
  .trim()
  .split(/\s+/);

/**
 * `steady_roebling`. From the second `attempt` on (the first name was taken) a digit is appended, as Docker does, so
 * that a host with thousands of containers soon finds a free one.
 */
export function randomName(attempt = 0, random: (below: number) => number = randomInt): string {
  const pick = (words: string[]) => words[random(words.length)] ?? '';
  const name = `${pick(ADJECTIVES)}_${pick(SURNAMES)}`;
  return attempt > 0 ? `${name}${random(10)}` : name;
}
