// What oidc-provider is told, made from the world that the tests describe.

import { Storage } from './storage.mjs';

const MINUTES = 60;
const CLAIMS = ['email', 'email_verified', 'name', 'preferred_username', 'groups', 'level', 'projects', 'acr', 'amr'];

// A service that access tokens are meant for: its name is their audience.
export const resource = (world, indicator) => ({
  scope: 'openid profile email',
  audience: indicator,
  accessTokenFormat: world.opaque.includes(indicator) ? 'opaque' : 'jwt',
  jwt: { sign: { alg: world.accessTokenAlg } },
});

export function configuration(world) {
  const claimsOf = (id) => world.users.get(id)?.claims;
  return {
    adapter: Storage,
    jwks: { keys: world.keys },
    cookies: { keys: ['for tests only'] },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub', ...CLAIMS, ...world.claims], profile: [], email: [] },
    // Claims stand in the ID token itself.
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    pkce: { required: (ctx, client) => client.clientAuthMethod === 'none' || (world.pkce && !world.lax.has(client.clientId)) },
    ttl: {
      AccessToken: 10 * MINUTES, AuthorizationCode: MINUTES, ClientCredentials: 10 * MINUTES, DeviceCode: 10 * MINUTES,
      Grant: 60 * MINUTES, IdToken: 10 * MINUTES, Interaction: 10 * MINUTES, Session: 60 * MINUTES,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      backchannelLogout: { enabled: true },
      introspection: { enabled: true, allowedPolicy: async (ctx, client) => client.clientAuthMethod !== 'none' },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (ctx, client, oneOf) => oneOf ?? world.resourceOf[client.clientId],
        useGrantedResource: async () => true,
        getResourceServerInfo: async (ctx, indicator) => resource(world, indicator),
      },
    },
    // Left to itself it fetches nothing from addresses such as loopback ones, not even to tell a client of a logout.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: async (ctx, id) => claimsOf(id) && { accountId: id, claims: async () => ({ sub: id, ...claimsOf(id) }) },
    extraTokenClaims: async (ctx, token) => claimsOf(token.accountId ?? token.clientId),
    // Consent is given beforehand, for whatever is asked.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ accountId: ctx.oidc.session.accountId, clientId: ctx.oidc.client.clientId });
      grant.addOIDCScope('openid profile email offline_access');
      for (const indicator of Object.keys(ctx.oidc.resourceServers ?? {})) grant.addResourceScope(indicator, 'openid profile email');
      await grant.save();
      return grant;
    },
  };
}
