// Plays the client's part of a scenario.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AccountClient, MemoryStore } from 'parallel-account';
import * as report from './report.mjs';

export const folder = join(import.meta.dirname, '..', '..', '..', 'tests', 'scenarios');

/** The file of each scenario, by its name; `common/` holds what they share. */
const files = new Map(
  readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('.json') && !file.startsWith('common'))
    .map((file) => [basename(file, '.json'), join(folder, file)]),
);

/** The names of all scenarios. */
export const names = [...files.keys()];

const TIME_SCALE = Symbol.for('parallel-account.time-scale');

const ms = (seconds) => (seconds === undefined ? undefined : seconds * 1000);

/** Without what the scenario does not say. */
function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field != null));
}

function clientFor(started, store) {
  const { options } = started;
  return new AccountClient({
    ...given({
      clientName: options.client_name,
      clientId: options.client_id,
      scopes: options.scopes,
      org: options.org,
      userAgent: options.user_agent,
      timeout: ms(options.timeout),
      deadline: ms(options.deadline),
      maxRetries: options.max_retries,
      firstPollAtOnce: options.first_poll_at_once,
      headers: options.headers,
      platformUrl: options.platform_url ?? started.platform_url,
      accountUrl: options.account_url ?? started.account_url,
    }),
    store,
    [TIME_SCALE]: started.time_scale,
  });
}

/** Makes one call; events go to `events`. `state.login` is the login that later calls mean. */
async function make(client, state, events, name, args, options) {
  const login = ({ scopes, timeout, login_hint }) =>
    client.startLogin(given({ scopes, timeout: ms(timeout), loginHint: login_hint }));
  const shown = ({ userCode, verificationUri, verificationUriComplete, expiresAt, interval }) => ({
    userCode,
    verificationUri,
    verificationUriComplete,
    expiresAt,
    interval,
  });
  const step = async () => {
    const event = await state.login.poll();
    const { status, ...seen } = event;
    events.push(report.value(seen));
    return event;
  };
  const wait = async () => {
    for (;;) {
      const event = await step();
      if (event.type === 'authorized') return event.status;
    }
  };
  switch (name) {
    case 'login':
      state.login = await login(args);
      return await wait();
    case 'start_login':
      state.login = await login(args);
      return shown(state.login);
    case 'resume_login': {
      const record = args.record ?? state.login.pendingRecord();
      state.login = await client.resumeLogin(
        args.record && typeof record === 'object' ? JSON.stringify(record) : record,
      );
      return shown(state.login);
    }
    case 'poll': {
      const { status, ...event } = await state.login.poll();
      return event;
    }
    case 'wait':
      return await wait();
    case 'cancel':
      return state.login.cancel();
    case 'close':
      return client.close();
    case 'logout':
      return await client.logout({ ...options, ...given(args) });
    case 'select_organization':
      return await client.selectOrganization(args.id, options);
    case 'access_token':
      return await client.accessToken(options);
    case 'api_key':
      return { api_key: await client.apiKey(options) };
    case 'renew_api_key':
      return { api_key: await client.renewApiKey({ ...options, ...given(args) }) };
    case 'request': {
      const { method, path, json } = args;
      return await client.request(method, path, { ...options, ...given({ json }) });
    }
    case 'status':
    case 'organizations':
      return await client[name](options);
    case 'balance.get':
      return await client.balance.get(options);
    case 'balance.add':
      return await client.balance.add(args.amount_cents, {
        ...options,
        ...given({ idempotencyKey: args.idempotency_key }),
      });
    case 'apps.list':
      return await client.apps.list(options);
    case 'apps.create':
      return await client.apps.create(args.name, options);
    case 'apps.delete':
      return await client.apps.delete(args.app_id, options);
    case 'keys.create':
      return await client.keys.create(args.app_id, args.name, options);
    case 'keys.delete':
      return await client.keys.delete(args.app_id, args.key_id, options);
    case 'oauth.register':
      return await client.oauth.register(options);
    case 'oauth.request_device_code':
      return await client.oauth.requestDeviceCode(args.client_id, args.scopes, options);
    case 'oauth.poll_token': {
      const answer = await client.oauth.pollToken(args.client_id, args.device_code, options);
      return answer.state === 'tokens' ? answer.tokens : answer.state;
    }
    case 'oauth.refresh':
      return await client.oauth.refresh(args.refresh_token, {
        ...options,
        ...given({ clientId: args.client_id }),
      });
    case 'oauth.revoke':
      return await client.oauth.revoke(args.refresh_token, options);
    default:
      throw new Error(`this runner has no call ${name}`);
  }
}

/** The client with calls that answer with their responses. */
function withResponses(client) {
  const seen = (of) =>
    new Proxy(of, {
      get: (_, name) => {
        const field = of[name];
        if (typeof field !== 'function') return seen(field);
        return (...args) => field.apply(of, args).withResponse();
      },
    });
  return seen(client);
}

/** Plays a scenario that the sandbox has started; answers its results, and the errors themselves. */
async function play(started, store) {
  const errors = [];
  let client;
  try {
    client = clientFor(started, store);
  } catch (error) {
    return { results: [{ raises: report.error(error), events: [] }], errors: [error] };
  }
  const results = [];
  const state = {};
  for (const { call, args = {}, options = {}, response } of started.client) {
    const events = [];
    const limits = given({
      timeout: ms(options?.timeout),
      deadline: ms(options?.deadline),
      maxRetries: options?.max_retries,
      headers: options?.headers,
    });
    const made = make(response ? withResponses(client) : client, state, events, call, args, limits);
    try {
      const answer = await made;
      const returned = response ? answer.data : answer;
      // What the service answered to `request` is compared as it is.
      const returns = call === 'request' ? returned : report.value(returned);
      results.push({ returns, events, ...(response && { response: report.value(answer) }) });
    } catch (error) {
      errors.push(error);
      results.push({ raises: report.error(error), events });
    }
  }
  return { results, errors };
}

/** Plays the scenario of that name; answers the sandbox's verdict and the errors that came. */
export async function run(sandbox, name) {
  const scenario = JSON.parse(readFileSync(files.get(name), 'utf8'));
  const started = await sandbox.control('scenarios', scenario);
  const store = new MemoryStore(started.store);
  const { results, errors } = await play(started, store);
  const answer = await fetch(started.verdict_url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ results, stored: await store.load() }),
  });
  const { problems } = await answer.json();
  return { problems, errors };
}
