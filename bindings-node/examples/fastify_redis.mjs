// A web service whose users each act for a Parallel account of their own. Any number of processes
// can serve them: sessions, logins in progress and credentials are in Redis.
//
//   POST /login    starts a login: where to approve it, and the code to type there
//   GET  /login    how it stands; to be asked every few seconds until it says `authorized`
//   GET  /balance  the user's balance; 401 until logged in
//   POST /logout   revokes the login and ends the session
//
// LOGIN_KEYS has the keys that credentials are encrypted with, by their IDs:
//
//   LOGIN_KEYS="2026-11:$(openssl rand -base64 32)"
//
// To rotate, let every process know the new key in the last place, then put it first: the first key
// encrypts, and all of them decrypt.

import { randomBytes, randomUUID } from 'node:crypto';
import cookies from '@fastify/cookie';
import Fastify from 'fastify';
import {
  AccessDeniedError,
  AccountClient,
  AccountError,
  EncryptedStore,
  LoginExpiredError,
  LoginRequiredError,
  MemoryStore,
} from 'parallel-account';
import { RedisStore } from 'parallel-account/stores';
import { createClient } from 'redis';

const CLIENT_NAME = 'Example service';
const SESSION_SECONDS = 30 * 24 * 3600;
const MOST_CLIENTS = 1000;

// Without good keys, the service does not start.
const keys = loginKeys(process.env.LOGIN_KEYS);

/** The keys in `ID:BASE64,ID:BASE64`. */
function loginKeys(text = '') {
  const pairs = text.split(',').map((pair) => pair.trim());
  const keys = new Map(
    pairs.map((pair) => {
      const [id, key = ''] = pair.split(':');
      return [id, Buffer.from(key, 'base64')];
    }),
  );
  // Buffer.from() skips what is not Base64, and a Map keeps the last key of an ID.
  const read = [...keys].map(([id, key]) => `${id}:${key.toString('base64')}`);
  try {
    // It refuses bad IDs and keys, and to have none.
    new EncryptedStore(new MemoryStore(), read.join() === pairs.join() ? keys : {});
  } catch {
    throw new Error(
      'LOGIN_KEYS must be ID:KEY, or several such pairs with commas between them. Each ID is there ' +
        'once, and each KEY is 32 bytes in Base64: openssl rand -base64 32',
    );
  }
  return keys;
}

const app = Fastify({ logger: { level: process.env.LOG_LEVEL ?? 'warn' } });
await app.register(cookies);

// Without the queue, a request fails at once while Redis is away, instead of waiting for it.
const redis = createClient({ url: process.env.REDIS_URL, disableOfflineQueue: true });
redis.on('error', (error) => app.log.warn(error));
await redis.connect();

/** This service's registration with Parallel, made once for all processes and users. */
async function registration() {
  const known = await redis.get('parallel:client-id');
  if (known !== null) return known;
  const { clientId } = await new AccountClient({ clientName: CLIENT_NAME }).oauth.register();
  await redis.set('parallel:client-id', clientId, { condition: 'NX' });
  return await redis.get('parallel:client-id');
}
const clientId = await registration();

// Clients are cheap, but what one knows of its login saves a request to Redis. The least recently
// used one goes first; a call that it is in the middle of is not disturbed.
const clients = new Map();
const leaving = new Set();

function clientOf(user) {
  const known = clients.get(user);
  const client = known ?? newClient(user);
  clients.delete(user);
  clients.set(user, client);
  if (clients.size > MOST_CLIENTS) {
    const [[oldest, idle]] = clients;
    clients.delete(oldest);
    leave(idle);
  }
  return client;
}

function newClient(user) {
  // With the subject, a record that was copied from another user's is refused.
  const logins = new RedisStore(redis, user, { cacheFor: 1000 });
  const store = new EncryptedStore(logins, keys, { subject: user });
  return new AccountClient({ clientName: CLIENT_NAME, clientId, store });
}

/** Waits until nothing of the client is unsaved; the service does not end before. */
function leave(client) {
  const left = client.settled({ signal: AbortSignal.timeout(5000) }).catch(() => undefined);
  leaving.add(left);
  left.finally(() => leaving.delete(left));
}

// A session is `{ user, pending? }`: whose it is, and the record of the login in progress, which is a
// secret and never leaves the server. A service that has users of its own takes their IDs.
const sessionName = (id) => `session:${id}`;
const secure = process.env.NODE_ENV === 'production';
const COOKIE = secure ? '__Host-session' : 'session';
const ATTRIBUTES = { path: '/', httpOnly: true, sameSite: 'lax', secure };

async function sessionOf(request) {
  const id = request.cookies[COOKIE];
  if (id === undefined) return undefined;
  const text = await redis.get(sessionName(id));
  return text === null ? undefined : { id, ...JSON.parse(text) };
}

async function saveSession({ id, ...session }, seconds, condition) {
  const expiration = { type: 'EX', value: seconds };
  return await redis.set(sessionName(id), JSON.stringify(session), { expiration, condition });
}

// Another site can make a browser send requests with its cookies. Browsers say where they come from.
app.addHook('onRequest', async ({ method, headers }, reply) => {
  if (method === 'GET') return;
  const { origin, host, 'sec-fetch-site': site = 'same-origin' } = headers;
  const foreign = origin !== undefined && origin.split('//')[1] !== host;
  if (foreign || site !== 'same-origin') {
    await reply
      .status(403)
      .send({ error: 'csrf', message: 'This request came from another site.' });
  }
});

app.post('/login', async (request, reply) => {
  const before = await sessionOf(request);
  if (before !== undefined && before.pending === undefined) {
    return reply.status(409).send({ error: 'logged_in', message: 'Log out first.' });
  }
  // Always a new session: one whose ID somebody has planted in this browser, or that another tab has
  // begun, does not become that of this login.
  if (before !== undefined) await redis.del(sessionName(before.id));
  const session = { id: randomBytes(32).toString('base64url'), user: randomUUID() };
  const login = await newClient(session.user).startLogin();
  session.pending = login.pendingRecord().expose();
  await saveSession(session, Math.ceil((login.expiresAt - Date.now()) / 1000));
  reply.setCookie(COOKIE, session.id, { ...ATTRIBUTES, maxAge: SESSION_SECONDS });
  return prompt(login);
});

const prompt = (login) => ({
  state: 'pending',
  open: login.verificationUri,
  code: login.userCode,
});

app.get('/login', async (request, reply) => {
  const session = await sessionOf(request);
  if (session === undefined) return reply.status(401).send({ state: 'none' });
  if (session.pending === undefined) return { state: 'authorized' };
  const { id, user } = session;
  const client = newClient(user);
  const login = await client.resumeLogin(session.pending);
  // One poll at a time, however many tabs ask: its answer is given out once.
  const turn = `polling:${id}`;
  const expiration = { type: 'EX', value: 60 };
  if ((await redis.set(turn, '1', { expiration, condition: 'NX' })) === null) return prompt(login);
  try {
    // A process that ended after it had stored the login left the session as it was.
    const { loggedIn } = await client.status();
    if (!loggedIn && (await login.poll()).type !== 'authorized') return prompt(login);
    // A session that has ended meanwhile takes the login with it.
    if ((await saveSession({ id, user }, SESSION_SECONDS, 'XX')) === null) await client.logout();
    return { state: 'authorized' };
  } catch (error) {
    if (!(error instanceof AccessDeniedError || error instanceof LoginExpiredError)) throw error;
    await redis.del(sessionName(id));
    return { state: error.code };
  } finally {
    await redis.del(turn);
    leave(client);
  }
});

app.get('/balance', async (request, reply) => {
  const session = await sessionOf(request);
  if (session === undefined || session.pending !== undefined) {
    return reply.status(401).send({ error: 'login_required', message: 'Log in first.' });
  }
  // A caller that hangs up stops the call.
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return await clientOf(session.user).balance.get({ signal: gone.signal });
});

app.post('/logout', async (request, reply) => {
  const session = await sessionOf(request);
  reply.clearCookie(COOKIE, ATTRIBUTES);
  if (session === undefined) return { state: 'none' };
  await redis.del(sessionName(session.id));
  const client = clientOf(session.user);
  await client.logout();
  clients.delete(session.user);
  leave(client);
  return { state: 'none' };
});

app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof AccountError)) return reply.send(error);
  const status = error instanceof LoginRequiredError ? 401 : 502;
  return reply.status(status).send({ error: error.code, message: error.message });
});

// After the last request: a refresh that is cut off would lose its user's login.
app.addHook('onClose', async () => {
  for (const client of clients.values()) leave(client);
  await Promise.all(leaving);
  await redis.close();
});

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8080) }));
process.once('SIGTERM', () => {
  app.close();
  // Browsers open connections in advance, which would hold the server for a minute.
  setTimeout(() => app.server.closeAllConnections(), 5000).unref();
});
