// A SCIM server on scimmy for the tests: told what to be by its standard input, on a loopback port.
//
// The first line in is a JSON object: `port`, `token` (the bearer), `config` (over what scimmy announces). The first line out is
// `{"ready": base URL}`. It holds everything in memory and ends with its input. Where scim2-server has entity tags, absolute
// locations and 204 for PATCH, this one has none, relative ones and 200. Express adds an `ETag` of its own to answers, which stands
// for nothing: who sends it back has not read what is announced.

import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';

import express from 'express';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const world = JSON.parse((await lines.next()).value);

const same = (a, b) => String(a).toLowerCase() === String(b).toLowerCase();

// What a resource type does with its resources; `unique` names the attribute that two may not share.
function kept(unique) {
  const all = new Map();
  return {
    egress: (resource) => {
      if (!resource.id) return resource.filter ? resource.filter.match([...all.values()]) : [...all.values()];
      if (!all.has(resource.id)) throw new Error('gone');
      return all.get(resource.id);
    },
    ingress: (resource, data) => {
      const before = resource.id ? all.get(resource.id) : undefined;
      if (resource.id && !before) throw new Error('gone');
      const taken = unique && [...all.values()].find((one) => one.id !== resource.id && same(one[unique], data[unique]));
      if (taken) throw new SCIMMY.Types.Error(409, 'uniqueness', `${unique} is taken`);
      const now = new Date().toISOString();
      const id = resource.id ?? randomUUID();
      const stored = { ...JSON.parse(JSON.stringify(data)), id, meta: { created: before?.meta.created ?? now, lastModified: now } };
      all.set(id, stored);
      return stored;
    },
    degress: (resource) => {
      if (!all.delete(resource.id)) throw new Error('gone');
    },
  };
}

SCIMMY.Config.set({ patch: true, filter: true, ...world.config });
SCIMMY.Resources.declare(SCIMMY.Resources.User, kept('userName'));
SCIMMY.Resources.declare(SCIMMY.Resources.Group, kept());

const app = express();
app.use('/scim/v2', new SCIMMYRouters({
  type: 'bearer',
  handler: (request) => {
    if (request.header('authorization') !== `Bearer ${world.token}`) throw new Error('The bearer token is not known here');
    return '';
  },
}));
app.listen(world.port, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ ready: `http://127.0.0.1:${world.port}/scim/v2` })}\n`);
});
while (!(await lines.next()).done);
process.exit(0);
