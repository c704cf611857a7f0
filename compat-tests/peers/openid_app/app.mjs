// An application for the tests: its people sign in at an OpenID provider by openid-client.
//
// The one line in is a JSON object: `port`, `issuer`, `client_id`, `client_secret` (none for a public client), `method` (how the
// client proves who it is), `key` (a private JWK, for `private_key_jwt`), `scope`, `parameters` (further ones of every request).
// The line out is `{"ready": url}`. The process ends with its input. Its face is the same as that of `authlib_app.py`:
//
//   /            who is signed in            /login?…     to the provider; the query becomes parameters of the request
//   /callback    back from there             /refresh     new tokens by the refresh token
//   /userinfo    what the provider says      /logout      ends the session here and there
//   /signed-out  back from there             /backchannel logout tokens (OpenID Connect Back-Channel Logout)
//   /state       everything that it holds, as JSON

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { createRemoteJWKSet, importJWK, jwtVerify } from 'jose';
import * as client from 'openid-client';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const world = JSON.parse((await lines.next()).value);
const home = `http://127.0.0.1:${world.port}`;
const cookie = `app${world.port}`;
const visitors = new Map();
const told = { logouts: [], refused: [] };

const METHODS = {
  client_secret_basic: () => client.ClientSecretBasic(world.client_secret),
  client_secret_post: () => client.ClientSecretPost(world.client_secret),
  private_key_jwt: async () => client.PrivateKeyJwt({ key: await importJWK(world.key, world.key.alg), kid: world.key.kid }),
  none: () => client.None(),
};

let known;
async function configuration() {
  if (!known) {
    const method = await METHODS[world.method]();
    known = await client.discovery(new URL(world.issuer), world.client_id, undefined, method, { execute: [client.allowInsecureRequests] });
    // Without this the signature of an ID token that comes from the token endpoint itself is not looked at.
    client.enableNonRepudiationChecks(known);
  }
  return known;
}

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Application</title></head><body>${body}</body></html>`;

function visitorOf(request, response) {
  const sent = Object.fromEntries((request.headers.cookie ?? '').split(/; */).map((pair) => pair.split('=', 2)));
  let id = sent[cookie];
  if (!visitors.has(id)) {
    id = randomUUID();
    visitors.set(id, { id, pending: {} });
    response.setHeader('set-cookie', `${cookie}=${id}; Path=/; HttpOnly`);
  }
  return visitors.get(id);
}

function keep(visitor, tokens) {
  visitor.tokens = { ...visitor.tokens, ...tokens };
  visitor.claims = tokens.claims() ?? visitor.claims;
  visitor.sub = visitor.claims.sub;
}

const said = (error) => ({ error: error.error ?? error.code ?? error.name, description: error.error_description ?? error.message });

const routes = {
  '/': (visitor) => page(visitor.sub
    ? `<p>Signed in as <strong id="who">${escape(visitor.sub)}</strong></p><a id="sign-out" href="/logout">Sign out</a>`
    : '<p>Not signed in</p><a id="sign-in" href="/login">Sign in</a>'),

  '/login': async (visitor, url) => {
    const config = await configuration();
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    // One for each window: they must not take each other's.
    visitor.pending[state] = { verifier, nonce };
    return {
      location: client.buildAuthorizationUrl(config, {
        redirect_uri: `${home}/callback`, scope: world.scope, state, nonce, code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256', ...world.parameters, ...Object.fromEntries(url.searchParams),
      }).href,
    };
  },

  '/callback': async (visitor, url, body) => {
    const answer = body ? new URL(`${url.pathname}?${body}`, home) : url;
    const state = answer.searchParams.get('state');
    const pending = visitor.pending[state] ?? {};
    delete visitor.pending[state];
    try {
      const tokens = await client.authorizationCodeGrant(await configuration(), answer, {
        pkceCodeVerifier: pending.verifier, expectedNonce: pending.nonce, expectedState: state, idTokenExpected: true,
      });
      keep(visitor, tokens);
      visitor.userinfo = await client.fetchUserInfo(await configuration(), tokens.access_token, visitor.sub);
      delete visitor.failed;
    } catch (error) {
      visitor.failed = { ...said(error), iss: answer.searchParams.get('iss') };
      return page(`<p>The sign-in failed: <strong id="failed">${escape(visitor.failed.error)}</strong></p><a id="sign-in" href="/login">Sign in</a>`);
    }
    return { location: '/' };
  },

  '/refresh': async (visitor) => {
    try {
      keep(visitor, await client.refreshTokenGrant(await configuration(), visitor.tokens.refresh_token));
    } catch (error) {
      return said(error);
    }
    return { refreshed: true };
  },

  '/userinfo': async (visitor) => {
    try {
      return await client.fetchUserInfo(await configuration(), visitor.tokens.access_token, visitor.sub);
    } catch (error) {
      return { ...said(error), status: error.status ?? error.cause?.[0]?.status ?? error.response?.status };
    }
  },

  '/logout': async (visitor, url) => {
    const id_token_hint = visitor.tokens?.id_token;
    visitor.leaving = client.randomState();
    delete visitor.sub;
    return {
      location: client.buildEndSessionUrl(await configuration(), {
        ...(id_token_hint && { id_token_hint }), post_logout_redirect_uri: `${home}/signed-out`, state: visitor.leaving,
        ...Object.fromEntries(url.searchParams),
      }).href,
    };
  },

  '/signed-out': (visitor, url) => {
    visitor.left = visitor.leaving !== undefined && url.searchParams.get('state') === visitor.leaving;
    return page(`<p id="left">${visitor.left ? 'Signed out' : 'Signed out by somebody else'}</p>`);
  },

  '/backchannel': async (_, url, body) => {
    const metadata = (await configuration()).serverMetadata();
    try {
      const token = new URLSearchParams(body).get('logout_token');
      const { payload, protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(metadata.jwks_uri)), {
        issuer: metadata.issuer, audience: world.client_id, typ: 'logout+jwt', requiredClaims: ['iat', 'exp', 'jti', 'events'], maxTokenAge: '2 minutes',
        algorithms: metadata.id_token_signing_alg_values_supported,
      });
      if (typeof payload.events[EVENT] !== 'object' || 'nonce' in payload || !(payload.sid || payload.sub)) throw new Error('no logout token');
      for (const visitor of visitors.values()) {
        const meant = payload.sid ? visitor.claims?.sid === payload.sid : visitor.claims?.sub === payload.sub;
        if (meant && (!payload.sub || visitor.claims.sub === payload.sub)) delete visitor.sub;
      }
      told.logouts.push({ header: protectedHeader, claims: payload, token });
      return { status: 200 };
    } catch (error) {
      told.refused.push(String(error));
      return { status: 400 };
    }
  },

  '/state': () => ({ visitors: [...visitors.values()], ...told }),
};

async function serve(request, response) {
  const url = new URL(request.url, home);
  let body;
  if (request.method === 'POST') {
    body = '';
    for await (const piece of request) body += piece;
  }
  const route = routes[url.pathname];
  response.setHeader('cache-control', 'no-store');
  if (!route) return response.writeHead(404).end();
  const inner = url.pathname === '/state' || url.pathname === '/backchannel';
  const result = await route(inner ? undefined : visitorOf(request, response), url, body);
  if (typeof result === 'string') return response.setHeader('content-type', 'text/html; charset=utf-8').end(result);
  if (result.location) return response.writeHead(request.method === 'POST' ? 303 : 302, { location: result.location }).end();
  if (url.pathname === '/backchannel') return response.writeHead(result.status).end();
  return response.setHeader('content-type', 'application/json').end(JSON.stringify(result));
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error.stack)));
});
server.listen(world.port, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ ready: home })}\n`));
while (!(await lines.next()).done);
process.exit(0);
