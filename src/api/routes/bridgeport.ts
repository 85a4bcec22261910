/** What Docker does not have, and the metrics, which its daemon serves elsewhere. */

import { once } from 'node:events';
import { invalid } from '../../base/errors.ts';
import type { ContainerPorts, ExplainLanguage, PortMap } from '../../base/wire/index.ts';
import type { WhyQuery } from '../backend.ts';
import type { PlainCall } from '../call.ts';
import { sendMany } from '../json-pieces.ts';
import { METRICS_TYPE } from '../metrics-server.ts';
import type { Query } from '../query.ts';
import { send, sendJson, startStream, write } from '../reply.ts';
import { del, get, post } from '../route.ts';
import { containerPortsBody } from '../schemas/container.ts';
import { unfoldedPorts } from '../unfold.ts';

async function bindingsOf(call: PlainCall): Promise<PortMap> {
  const { PortBindings: bindings } = await call.json(containerPortsBody);
  if (Object.keys(bindings).length === 0) throw invalid('PortBindings names no port');
  return bindings;
}

function sendPorts({ response }: PlainCall, { Ports, Changed }: ContainerPorts): Promise<void> {
  return sendMany(response, { Ports: unfoldedPorts(Ports), Changed: unfoldedPorts(Changed) });
}

function whyQuery(call: PlainCall): WhyQuery {
  const { query } = call;
  const [from, to, family] = [query.text('from'), query.text('to'), query.integer('family')];
  if (from === '' || to === '') throw invalid('from and to are needed: who asks, and who is asked');
  if (family !== undefined && family !== 4 && family !== 6) {
    throw invalid(`invalid family ${family}: want 4 or 6`);
  }
  return {
    from,
    to,
    service: query.optional('service'),
    family,
    language: languageOf(query),
    probe: query.flag('probe'),
  };
}

export const bridgeportRoutes = [
  get('/metrics', async ({ backend, response }) => {
    send(response, { status: 200, contentType: METRICS_TYPE, body: await backend.observe.metrics() });
  }),
  get('/bridgeport/map', async ({ backend, query, response }) => {
    const map = await backend.observe.map();
    sendJson(
      response,
      200,
      query.flag('traffic') ? { ...map, traffic: await backend.observe.traffic() } : map,
    );
  }),
  get('/bridgeport/doctor', async ({ backend, query, response }) => {
    sendJson(response, 200, await backend.observe.doctor(languageOf(query)));
  }),
  get('/bridgeport/exposure', async ({ backend, query, response }) => {
    sendJson(response, 200, await backend.observe.exposure(languageOf(query)));
  }),
  get('/bridgeport/rules', async ({ backend, query, response }) => {
    sendJson(response, 200, await backend.observe.rules(languageOf(query)));
  }),
  get('/bridgeport/why', async (call) => {
    sendJson(call.response, 200, await call.backend.observe.why(whyQuery(call)));
  }),
  get('/bridgeport/traffic', async ({ backend, response }) => {
    sendJson(response, 200, await backend.observe.traffic());
  }),
  post('/bridgeport/ui', async ({ backend, response, signal }) => {
    const page = await backend.page.open();
    try {
      startStream(response, 'application/json');
      await write(response, `${JSON.stringify({ url: page.url })}\n`);
      // The page is there as long as somebody holds this answer open.
      if (!page.stays && !signal.aborted) await once(signal, 'abort');
    } finally {
      await page.release();
    }
    response.end();
  }),
  get('/bridgeport/ports', async ({ backend, response }) => {
    sendJson(response, 200, await backend.observe.ports());
  }),
  post('/bridgeport/containers/{name}/ports', async (call) => {
    const bindings = await bindingsOf(call);
    await sendPorts(call, await call.backend.ports.add(call.params.name!, bindings));
  }),
  del('/bridgeport/containers/{name}/ports', async (call) => {
    const bindings = await bindingsOf(call);
    await sendPorts(call, await call.backend.ports.remove(call.params.name!, bindings));
  }),
];

/** English unless told. */
function languageOf(query: Query): ExplainLanguage {
  const text = query.text('lang');
  if (text !== '' && text !== 'en' && text !== 'ko') {
    throw invalid(`invalid value for 'lang': ${JSON.stringify(text)} is neither "en" nor "ko"`);
  }
  return text === 'ko' ? 'ko' : 'en';
}
