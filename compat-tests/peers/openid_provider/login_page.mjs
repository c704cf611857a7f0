// What a person sees: a form for name and password, and a way to give up. Nobody is asked for consent.

const page = (title, body) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<style>body { font: 16px sans-serif; margin: 3em auto; width: 24em } label { display: block; margin: 1em 0 } .wrong { color: #a00 }</style></head>
<body><h1>${title}</h1>${body}</body></html>`;

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const form = (uid, client, wrong) => page('OpenID provider', `
<p>Log in to go on to <strong>${escape(client)}</strong>.</p>
${wrong ? '<p class="wrong">Wrong name or password.</p>' : ''}
<form method="post" action="/interaction/${uid}">
<label>Name <input name="login" autofocus autocomplete="off"></label>
<label>Password <input name="password" type="password"></label>
<button name="do" value="login">Log in</button> <button name="do" value="cancel">Cancel</button>
</form>`);

async function read(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return new URLSearchParams(text);
}

// Answers /interaction/<uid>.
export async function interact(provider, users, request, response) {
  const send = (html) => response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
  let details;
  try {
    details = await provider.interactionDetails(request, response);
  } catch (error) {
    response.statusCode = 400;
    return send(page('OpenID provider', `<p>${escape(error.message)}</p>`));
  }
  const { uid, params } = details;
  if (request.method !== 'POST') return send(form(uid, params.client_id, false));
  const fields = await read(request);
  if (fields.get('do') === 'cancel') {
    return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'the person gave up' });
  }
  const login = fields.get('login');
  if (!users.get(login) || users.get(login).password !== fields.get('password')) return send(form(uid, params.client_id, true));
  return provider.interactionFinished(request, response, { login: { accountId: login } });
}
