// Ory Polis's library as `server.mjs` runs it, for people whose company has a SAML identity provider: beside the routes
// of the application there is the address where Responses are posted to.
//
// The first line of standard input is that of `server.mjs`, with `metadata` of the identity provider instead of
// `upstream`. The first line of standard output is the application's `{ clientId, clientSecret }`. The process ends
// with its input.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { controllers } from '@boxyhq/saml-jackson';

const base64 = (text) => Buffer.from(text).toString('base64');

async function form(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
}

function leave({ redirect_url: location, error }) {
  if (error) console.error(error);
  return [302, { location, 'content-length': 0 }, ''];
}

function say(object) {
  const text = JSON.stringify(object);
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return [200, { ...headers, 'content-length': Buffer.byteLength(text) }, text];
}

function answerer(issuer, { oauthController: oauth, oidcDiscoveryController: discovery }) {
  const routes = {
    'GET /authorize': async (_, query) => leave(await oauth.authorize(Object.fromEntries(query))),
    'POST /acs': async (request) => leave(await oauth.samlResponse(await form(request))),
    'POST /token': async (request) => say(await oauth.token(await form(request), request.headers.authorization)),
    'GET /userinfo': async (request) => say(await oauth.userInfo(request.headers.authorization.replace('Bearer ', ''))),
    'GET /jwks': async () => say(await discovery.jwks()),
  };
  return async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, issuer);
    try {
      const [status, headers, body] = await routes[`${request.method} ${pathname}`](request, searchParams);
      response.writeHead(status, headers).end(body);
    } catch (error) {
      console.error(error);
      const text = String(error.message);
      response.writeHead(error.statusCode ?? 500, { 'content-length': Buffer.byteLength(text) }).end(text);
    }
  };
}

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { port, engine, database, alg, key, redirectUri, metadata } = JSON.parse((await lines.next()).value);
  const issuer = `http://127.0.0.1:${port}`;
  const polis = await controllers({
    externalUrl: issuer,
    samlPath: '/acs',
    oidcPath: '/callback',
    db: { engine, ...(engine === 'sql' && { type: 'postgres', url: database }) },
    openid: { jwsAlg: alg, jwtSigningKeys: { private: base64(key.private), public: base64(key.public) } },
    noAnalytics: true,
    logger: { info: () => {}, warn: console.error, error: console.error },
  });
  const { clientID: clientId, clientSecret } = await polis.connectionAPIController.createSAMLConnection({
    tenant: 'bench', product: 'bench', rawMetadata: metadata,
    defaultRedirectUrl: redirectUri, redirectUrl: [redirectUri],
  });
  const server = createServer({ keepAliveTimeout: 60_000 }, answerer(issuer, polis));
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  process.stdout.write(`${JSON.stringify({ clientId, clientSecret })}\n`);
  for await (const line of lines) console.error(`not understood: ${line}`);
  process.exit(0);
}

await main();
