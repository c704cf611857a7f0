// npm's node-saml as a reader of SAML Responses: `reader.mjs FILE SECONDS`, as `saml_readers.py` for those in Python.
//
// CPU time is that of the whole process, with the threads that compile and collect garbage. InResponseTo is looked up
// where node-saml keeps what it has asked for: here that remembers one request for ever, as one Response is read again
// and again.

import { readFileSync } from 'node:fs';

import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';

// CPU seconds, after which what is read often has been compiled.
const WARM_UP = 3;

function reader(told) {
  const asked = new Date().toISOString();
  const saml = new SAML({
    idpCert: told.certificate,
    idpIssuer: told.idp_entity_id,
    entryPoint: told.idp_sso_url,
    issuer: told.sp_entity_id,
    audience: told.sp_entity_id,
    callbackUrl: told.acs_url,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: told.signed === 'both',
    validateInResponseTo: ValidateInResponseTo.always,
    cacheProvider: {
      saveAsync: async () => null,
      getAsync: async (id) => (id === told.request_id ? asked : null),
      removeAsync: async (id) => id,
    },
  });
  return async (posted) => (await saml.validatePostResponseAsync({ SAMLResponse: posted })).profile.attributes;
}

const spent = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const flat = (attributes) => Object.values(attributes).flat();

async function refusal(read, posted) {
  try {
    await read(posted);
  } catch (error) {
    return String(error).slice(0, 200);
  }
  return null;
}

async function repeat(read, told, seconds) {
  let count = 0;
  const began = spent();
  for (;;) {
    const took = spent() - began;
    if (took >= seconds) return [count, took];
    if (flat(await read(told.response)).length !== told.values.length) throw new Error('attributes are missing');
    count += 1;
  }
}

const [file, seconds] = process.argv.slice(2);
const told = JSON.parse(readFileSync(file, 'utf8'));
const read = reader(told);
const said = flat(await read(told.response)).sort();
if (JSON.stringify(said) !== JSON.stringify(told.values)) throw new Error(`node-saml reads ${said}`);
const why = await refusal(read, told.forged);
await repeat(read, told, WARM_UP);
const [responses, took] = await repeat(read, told, Number(seconds));
console.log(JSON.stringify({ responses, cpu_secs: took, refuses_forgery: why !== null, refusal: why }));
