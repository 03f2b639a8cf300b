// A service that tops up its users' Parallel accounts. A proxy in front of it authenticates users and
// names them in the header `x-user`.

import Fastify from 'fastify';
import { AccountClient, AccountError } from 'parallel-account';

const STATUS = { login_required: 401, payment_required: 402, connection: 503 };

/** @param storeOf The store of a user's login, such as `(user) => new RedisStore(redis, user)`. */
export function buildApp(storeOf) {
  const app = Fastify();
  const pending = new Map();
  const clientOf = ({ headers }) =>
    new AccountClient({ clientName: 'top-up', maxRetries: 1, store: storeOf(headers['x-user']) });

  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof AccountError)) return reply.send(error);
    return reply.status(STATUS[error.code] ?? 502).send({ error: error.code });
  });

  app.post('/login', async (request) => {
    const login = await clientOf(request).startLogin();
    pending.set(request.headers['x-user'], login);
    return { code: login.userCode, link: login.verificationUri };
  });

  app.get('/login', async (request, reply) => {
    const user = request.headers['x-user'];
    const login = pending.get(user);
    if (login === undefined) return reply.status(404).send({ error: 'Start a login first.' });
    try {
      const { type } = await login.poll();
      if (type === 'authorized') pending.delete(user);
      return { state: type };
    } catch (error) {
      pending.delete(user);
      if (error instanceof AccountError) return { state: error.code };
      throw error;
    }
  });

  app.get('/balance', async (request) => {
    const { creditBalanceCents } = await clientOf(request).balance.get();
    return { cents: creditBalanceCents };
  });

  app.post('/top-up/:cents', async (request) => {
    const { creditBalanceCents } = await clientOf(request).balance.add(
      Number(request.params.cents),
    );
    return { cents: creditBalanceCents };
  });

  return app;
}
