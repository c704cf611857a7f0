// The resource owner password grant (RFC 6749 section 4.3), which oidc-provider leaves out and keystoneauth's v3oidcpassword uses.

import { errors } from 'oidc-provider';

import { resource } from './configuration.mjs';

export function registerPasswordGrant(provider, world) {
  provider.registerGrantType('password', async (ctx) => {
    const { client, params } = ctx.oidc;
    const { username, password, scope = 'openid' } = params;
    const user = world.users.get(username);
    if (!user || user.password !== password) throw new errors.InvalidGrant('wrong name or password');
    const grant = new provider.Grant({ accountId: username, clientId: client.clientId });
    grant.addOIDCScope(scope);
    const accessToken = new provider.AccessToken({ accountId: username, client, gty: 'password', scope });
    const indicator = params.resource ?? world.resourceOf[client.clientId];
    if (indicator) {
      grant.addResourceScope(indicator, scope);
      accessToken.resourceServer = new provider.ResourceServer(indicator, resource(world, indicator));
    }
    accessToken.grantId = await grant.save();
    const answer = { access_token: await accessToken.save(), token_type: 'Bearer', expires_in: accessToken.expiration, scope };
    if (scope.split(' ').includes('openid')) {
      const idToken = new provider.IdToken({ ...user.claims, sub: username }, { ctx });
      idToken.scope = scope;
      answer.id_token = await idToken.issue({ use: 'idtoken' });
    }
    ctx.body = answer;
  }, ['username', 'password', 'scope', 'resource']);
}
