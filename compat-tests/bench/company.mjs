// The company's OpenID provider, at which everybody has signed in already: it sends browsers back at once and costs little, so
// that what is measured is the service in front of it.
//
// It knows a browser by its cookie `person`, whose value is the subject. The first line of standard input says what to be, as
// JSON: `port`, `jwk` and `kid` (the private key of its RS256 ID tokens), `clientId`, `clientSecret`, `redirectUris` (also given
// by later lines, as a JSON array). Each line is answered by the issuer's URL. The process ends with its input.

import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const world = { redirectUris: [], codes: new Map(), tokens: new Map() };
const segment = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');
const secret = () => randomBytes(24).toString('base64url');
const challenge = (verifier) => createHash('sha256').update(verifier).digest('base64url');

// A Map in the order of insertion: what is older than anybody will ask for goes.
function remember(map, key, value) {
  map.set(key, value);
  if (map.size > 10_000) map.delete(map.keys().next().value);
}

const claims = (person) => ({
  sub: person, email: `${person}@example.org`, email_verified: true, preferred_username: person,
  name: `Person ${person}`, given_name: 'Person', family_name: person,
});

function idToken(audience, nonce, person) {
  const now = Math.floor(Date.now() / 1000);
  const text = [world.header, segment({ iss: world.issuer, aud: audience, iat: now, exp: now + 300, nonce, ...claims(person) })].join('.');
  return `${text}.${sign('sha256', Buffer.from(text), world.key).toString('base64url')}`;
}

const json = (object, status = 200, headers = {}) => {
  const text = JSON.stringify(object);
  return [status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers }, text];
};
const refused = (error, why) => json({ error, error_description: why }, error === 'invalid_client' ? 401 : 400);
const cached = (object) => json(object, 200, { 'cache-control': 'public, max-age=3600' });

function authorize(request, query) {
  const person = /(?:^|; )person=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
  const asked = Object.fromEntries(query);
  if (asked.client_id !== world.clientId || !world.redirectUris.includes(asked.redirect_uri)) return refused('invalid_request', 'client');
  if (asked.response_type !== 'code' || asked.code_challenge_method !== 'S256') return refused('invalid_request', 'code, PKCE');
  if (!person || !asked.nonce || !asked.state) return refused('invalid_request', 'person, nonce, state');
  const code = secret();
  remember(world.codes, code, { person, ...asked });
  const back = new URLSearchParams({ code, state: asked.state, iss: world.issuer });
  return [302, { location: `${asked.redirect_uri}?${back}`, 'content-length': 0 }, ''];
}

async function token(request) {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part;
  const form = Object.fromEntries(new URLSearchParams(text));
  const [, basic] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  const pair = basic ? Buffer.from(basic, 'base64').toString() : `${form.client_id}:${form.client_secret}`;
  if (pair !== `${world.clientId}:${world.clientSecret}`) return refused('invalid_client', pair);
  const given = world.codes.get(form.code);
  world.codes.delete(form.code);
  if (!given || form.grant_type !== 'authorization_code') return refused('invalid_grant', 'code');
  if (form.redirect_uri !== given.redirect_uri || challenge(form.code_verifier ?? '') !== given.code_challenge) return refused('invalid_grant', 'PKCE');
  const access = secret();
  remember(world.tokens, access, given.person);
  const answer = { access_token: access, token_type: 'Bearer', expires_in: 300, scope: given.scope };
  return json({ ...answer, id_token: idToken(given.client_id, given.nonce, given.person) }, 200, { 'cache-control': 'no-store' });
}

function userinfo(request) {
  const person = world.tokens.get((request.headers.authorization ?? '').replace(/^Bearer /i, ''));
  return person ? json(claims(person)) : json({ error: 'invalid_token' }, 401);
}

function discovery() {
  const at = (path) => `${world.issuer}/${path}`;
  return cached({
    issuer: world.issuer, authorization_endpoint: at('authorize'), token_endpoint: at('token'), userinfo_endpoint: at('userinfo'),
    jwks_uri: at('jwks'), response_types_supported: ['code'], subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'], code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    scopes_supported: ['openid', 'profile', 'email'], authorization_response_iss_parameter_supported: true,
  });
}

const routes = {
  'GET /authorize': authorize, 'POST /token': token, 'GET /userinfo': userinfo, 'POST /userinfo': userinfo,
  'GET /.well-known/openid-configuration': discovery, 'GET /jwks': () => cached({ keys: [world.public] }),
};

async function serve(request, response) {
  const [path, query] = request.url.split('?');
  const route = routes[`${request.method} ${path}`];
  const [status, headers, body] = route ? await route(request, new URLSearchParams(query)) : refused('invalid_request', 'path');
  if (status >= 400) console.error(`${request.method} ${request.url}: ${body}`);
  response.writeHead(status, headers).end(body);
}

function become({ jwk, kid, port, ...rest }) {
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  const shown = { ...createPublicKey(key).export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
  Object.assign(world, rest, { key, public: shown, header: segment({ alg: 'RS256', typ: 'JWT', kid }), issuer: `http://localhost:${port}` });
}

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const told = JSON.parse((await lines.next()).value);
  become(told);
  const server = createServer({ keepAliveTimeout: 60_000 }, serve);
  await new Promise((done) => server.listen(told.port, 'localhost', done));
  const say = () => process.stdout.write(`${JSON.stringify(world.issuer)}\n`);
  say();
  for await (const line of lines) {
    world.redirectUris = JSON.parse(line);
    say();
  }
  process.exit(0);
}

await main();
