// Ways in which a provider goes wrong, switched on by the command `misbehave`:
//
//   status         { "<path>": 500 } answers this status there; "*" is every path
//   redirect       { "<path>": URL } sends whoever asks there on to the URL
//   raw            this text is every answer
//   delay          milliseconds before each answer
//   jwks           the keys that are shown
//   discovery      members of the discovery document to replace (null: leave out)
//   authorization  parameters of the answer at the redirect URI to replace (null: leave out)
//   id_token       claims of the ID token to replace (null: leave out); it is signed again with `keys[0]`, or with
//   id_token_key   this private JWK, or not at all with "none"
//   userinfo       members of the userinfo answer to replace

import { createPrivateKey, sign } from 'node:crypto';

const altered = (object, changes) =>
  Object.fromEntries(Object.entries({ ...object, ...changes }).filter(([, value]) => value !== null));

const encoded = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');

function resigned(token, changes, key) {
  const [head, body] = token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  if (key === 'none') return `${encoded({ ...head, alg: 'none' })}.${encoded(altered(body, changes))}.`;
  const text = `${encoded({ ...head, kid: key.kid, alg: 'RS256' })}.${encoded(altered(body, changes))}`;
  return `${text}.${sign('sha256', Buffer.from(text), createPrivateKey({ key, format: 'jwk' })).toString('base64url')}`;
}

// Koa middleware around everything that oidc-provider does.
export function tampering(world) {
  return async (ctx, next) => {
    const how = world.misbehaviour;
    await next();
    if (how.discovery && ctx.path.endsWith('/.well-known/openid-configuration')) ctx.body = altered(ctx.body, how.discovery);
    if (how.jwks && ctx.path === '/jwks') ctx.body = { keys: how.jwks };
    if (how.userinfo && ctx.path === '/me' && ctx.status === 200) ctx.body = altered(ctx.body, how.userinfo);
    if ((how.id_token || how.id_token_key) && ctx.path === '/token' && ctx.body?.id_token) {
      ctx.body.id_token = resigned(ctx.body.id_token, how.id_token ?? {}, how.id_token_key ?? world.keys[0]);
    }
    const location = ctx.response.get('location');
    if (how.authorization && location.includes('state=')) {
      const target = new URL(location);
      for (const [name, value] of Object.entries(how.authorization)) {
        if (value === null) target.searchParams.delete(name);
        else target.searchParams.set(name, value);
      }
      ctx.set('location', target.href);
    }
  };
}
