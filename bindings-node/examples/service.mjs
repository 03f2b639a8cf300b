// A web service whose users each log in to an account of their own.
//
//   POST /users/ada/login    → where Ada approves, and the code that she types
//   GET  /users/ada/balance  → her balance; 401 until she has approved

import { join } from 'node:path';
import Fastify from 'fastify';
import { AccountClient, AccountError, FileStore, LoginRequiredError } from 'parallel-account';

const FOLDER = process.env.CREDENTIALS ?? 'credentials';
const app = Fastify({ logger: false });
const clients = new Map();

function clientOf(user) {
  let client = clients.get(user);
  if (client === undefined) {
    const store = new FileStore(join(FOLDER, `${user}.json`));
    client = new AccountClient({ clientName: 'Example service', store });
    clients.set(user, client);
  }
  return client;
}

// A user's name becomes a file's.
const schema = {
  params: { type: 'object', properties: { user: { type: 'string', pattern: '^[a-z]{1,32}$' } } },
};

app.post('/users/:user/login', { schema }, async ({ params, log }) => {
  const login = await clientOf(params.user).startLogin();
  // The request is answered now; the approval comes when it comes.
  login.wait().catch((error) => log.warn(error));
  return { open: login.verificationUri, code: login.userCode };
});

app.get('/users/:user/balance', { schema }, async ({ params }, reply) => {
  // A caller that hangs up stops the call.
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return await clientOf(params.user).balance.get({ signal: gone.signal });
});

app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof AccountError)) return reply.send(error);
  const status = error instanceof LoginRequiredError ? 401 : 502;
  return reply.status(status).send({ error: error.code, message: error.message });
});

app.addHook('onClose', () => {
  for (const client of clients.values()) client.close();
});

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8080) }));
process.once('SIGTERM', () => app.close());
