// Ory Polis's library, behind as little of a server as it needs: the four routes of a login, and its public keys.
//
// The first line of standard input says what to be, as JSON: `port`; `engine` (`sql`, which is PostgreSQL, or `mem`) and
// `database` (its URL); `key` ({ private, public } in PEM) and `alg` of its ID tokens; `redirectUri` of the one application;
// `upstream` ({ discovery } or { metadata }, `clientId`, `clientSecret`). The first line of standard output is the
// application's `{ clientId, clientSecret }`. The process ends with its input.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { controllers } from '@boxyhq/saml-jackson';

const base64 = (text) => Buffer.from(text).toString('base64');
const remarks = () => {};

function options({ issuer, engine, database, key, alg }) {
  return {
    externalUrl: issuer,
    samlPath: '/saml',
    oidcPath: '/callback',
    db: { engine, ...(engine === 'sql' && { type: 'postgres', url: database }) },
    openid: { jwsAlg: alg, jwtSigningKeys: { private: base64(key.private), public: base64(key.public) } },
    noAnalytics: true,
    logger: { info: remarks, warn: console.error, error: console.error },
  };
}

async function application({ connectionAPIController }, { redirectUri, upstream }) {
  const { clientID, clientSecret } = await connectionAPIController.createOIDCConnection({
    tenant: 'bench', product: 'bench', defaultRedirectUrl: redirectUri, redirectUrl: [redirectUri],
    oidcClientId: upstream.clientId, oidcClientSecret: upstream.clientSecret,
    ...(upstream.discovery ? { oidcDiscoveryUrl: upstream.discovery } : { oidcMetadata: upstream.metadata }),
  });
  return { clientId: clientID, clientSecret };
}

async function form(request) {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part;
  return Object.fromEntries(new URLSearchParams(text));
}

function routes({ oauthController: oauth, oidcDiscoveryController: discovery }) {
  const redirect = async (answer) => {
    const { redirect_url: location, error } = await answer;
    if (error) console.error(error);
    return [302, { location }, ''];
  };
  const json = async (answer) => {
    const text = JSON.stringify(await answer);
    return [200, { 'content-type': 'application/json', 'cache-control': 'no-store', 'content-length': Buffer.byteLength(text) }, text];
  };
  return {
    'GET /authorize': (request, query) => redirect(oauth.authorize(query)),
    'GET /callback': (request, query) => redirect(oauth.oidcAuthzResponse(query)),
    'POST /token': async (request) => json(oauth.token(await form(request), request.headers.authorization)),
    'GET /userinfo': (request) => json(oauth.userInfo(request.headers.authorization.replace('Bearer ', ''))),
    'GET /jwks': () => json(discovery.jwks()),
  };
}

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const told = JSON.parse((await lines.next()).value);
  const issuer = `http://127.0.0.1:${told.port}`;
  const polis = await controllers(options({ ...told, issuer }));
  const table = routes(polis);
  async function serve(request, response) {
    const { pathname, searchParams } = new URL(request.url, issuer);
    try {
      const [status, headers, body] = await table[`${request.method} ${pathname}`](request, Object.fromEntries(searchParams));
      response.writeHead(status, headers).end(body);
    } catch (error) {
      console.error(error);
      response.writeHead(error.statusCode ?? 500).end(String(error.message));
    }
  }
  const { clientId, clientSecret } = await application(polis, told);
  await new Promise((done) => createServer({ keepAliveTimeout: 60_000 }, serve).listen(told.port, '127.0.0.1', done));
  process.stdout.write(`${JSON.stringify({ clientId, clientSecret })}\n`);
  for await (const line of lines) console.error(`not understood: ${line}`);
  process.exit(0);
}

await main();
