// An OpenID provider for the tests: oidc-provider on a loopback port, told what to be by its standard input.
//
// The first line in is the world, a JSON object: `port`, `keys` (private JWKs, the first one signs), `clients` (RFC 7591),
// `users` ({ id: { password, claims } }; a client of that id gets the claims as well), `claims` (further claim names),
// `opaque` (resources whose access tokens are opaque), `resourceOf` ({ client: resource when it asks for none }),
// `accessTokenAlg`, `pkce` (demanded of everybody). The first line out is `{"ready": issuer}`. Then each line in is a
// command with the member `do`, each line out its answer. The process ends with its input.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { Provider } from 'oidc-provider';

import { configuration } from './configuration.mjs';
import { interact } from './login_page.mjs';
import { registerPasswordGrant } from './password_grant.mjs';
import { Storage } from './storage.mjs';
import { tampering } from './tampering.mjs';

const world = { misbehaviour: {}, requests: [], claims: [], opaque: [], resourceOf: {}, accessTokenAlg: 'RS256', pkce: false, lax: new Set() };
const clients = new Storage('Client');
let issuer;
let provider;
let answer;

// oidc-provider takes its keys once: new keys are a new provider over the same storage.
function begin() {
  provider = new Provider(issuer, configuration(world));
  registerPasswordGrant(provider, world);
  provider.use(tampering(world));
  provider.on('server_error', (ctx, error) => console.error(error));
  answer = provider.callback();
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function serve(request, response) {
  const { pathname, searchParams } = new URL(request.url, issuer);
  const { status = {}, redirect = {}, raw, delay } = world.misbehaviour;
  world.requests.push({
    method: request.method, path: pathname, query: Object.fromEntries(searchParams),
    authorization: (request.headers.authorization ?? '').split(' ')[0], at: Date.now(),
  });
  if (delay) await pause(delay);
  const failing = status[pathname] ?? status['*'];
  if (failing) return response.writeHead(failing).end();
  if (redirect[pathname]) return response.writeHead(302, { location: redirect[pathname] }).end();
  if (raw) return response.writeHead(200, { 'content-type': 'application/json' }).end(raw);
  return pathname.startsWith('/interaction/') ? interact(provider, world.users, request, response) : answer(request, response);
}

const commands = {
  // `lax`: it may do without PKCE.
  client: async ({ client, resource, lax }) => {
    if (lax) world.lax.add(client.client_id);
    if (resource) world.resourceOf[client.client_id] = resource;
    await clients.upsert(client.client_id, client);
  },
  user: ({ id, user }) => (user ? world.users.set(id, user) : world.users.delete(id)) && undefined,
  keys: ({ keys }) => {
    world.keys = keys;
    begin();
  },
  misbehave: ({ how }) => {
    world.misbehaviour = how;
  },
  // What has been asked of the provider since the last time.
  requests: () => world.requests.splice(0),
};

// Standard output is for answers; oidc-provider's remarks go elsewhere.
console.log = console.info = console.warn = console.error;
const say = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const described = JSON.parse((await lines.next()).value);
  Object.assign(world, described, { users: new Map(Object.entries(described.users)) });
  for (const client of described.clients) await clients.upsert(client.client_id, client);
  issuer = `http://127.0.0.1:${world.port}`;
  begin();
  await new Promise((done) => createServer({ keepAliveTimeout: 60_000 }, serve).listen(world.port, '127.0.0.1', done));
  say({ ready: issuer });
  for await (const line of lines) {
    const { do: name, ...rest } = JSON.parse(line);
    try {
      say({ done: (await commands[name](rest)) ?? null });
    } catch (error) {
      say({ error: String(error.stack) });
    }
  }
  process.exit(0);
}

await main();
