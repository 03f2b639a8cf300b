// Compiled, never run: what must type-check, and what must not.

import { tracingChannel } from 'node:diagnostics_channel';
import {
  AccountClient,
  AccountError,
  type ApiPromise,
  type App,
  type Balance,
  type CallMessage,
  type CredentialStore,
  EncryptedStore,
  FileStore,
  InvalidRequestError,
  type LoginEvent,
  Secret,
  type Status,
} from 'parallel-account';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>) => undefined;

class DatabaseStore implements CredentialStore {
  async load() {
    return null;
  }
  async replace(_old: string | null, _next: string | null) {
    return true;
  }
}

export async function usage(signal: AbortSignal): Promise<void> {
  await using client = new AccountClient({ clientName: 'x', scopes: ['balance:read'] as const });
  const other = new AccountClient({ store: new DatabaseStore() });
  new AccountClient({ store: FileStore.parallelCli() });
  const status = await client.login({ onPrompt: (login) => console.log(login.userCode), signal });
  same<typeof status, Status>(true);
  const balance = await other.balance.get({ signal, timeout: 5, deadline: 9, maxRetries: 1 });
  same<typeof balance, Balance>(true);
  await client.balance.add(100, { idempotencyKey: 'x'.repeat(8) });
  const token = await client.accessToken();
  same<typeof token, Secret>(true);
  const text: string = token.expose();
  const key = await client.apiKey({ signal, deadline: 9 });
  same<typeof key, Secret>(true);
  same<ReturnType<typeof client.renewApiKey>, Promise<Secret>>(true);
  const answer = await client.request('GET', '/service/v1/x');
  same<typeof answer, unknown>(true);
  await client.request<{ id: string }>('POST', '/x', { json: { text } });
  for await (const event of await client.startLogin()) {
    same<typeof event, LoginEvent>(true);
    if (event.type === 'offline') console.log(event.error.code, event.retryIn);
    if (event.type === 'authorized') console.log(event.status.accessTokenExpiresAt?.getTime());
  }
  const poll = await client.oauth.pollToken('id', new Secret('code'));
  if (poll.state === 'tokens') await client.oauth.revoke(poll.tokens.refreshToken ?? '');
  try {
    await client.apps.list();
  } catch (error) {
    if (error instanceof InvalidRequestError) console.log(error.fields[0]?.location);
    if (error instanceof AccountError && error.code === 'rate_limited')
      console.log(error.retryAfter, error.idempotencyKey?.length);
  }

  // With exactOptionalPropertyTypes too, an option may be undefined.
  const absent = undefined as undefined;
  new AccountClient({ clientName: absent, scopes: absent, timeout: absent, store: absent });
  await client.login({ onPrompt: absent, scopes: absent, timeout: absent, signal: absent });
  await client.logout({ all: absent, organization: absent });
  await client.balance.add(1, { idempotencyKey: absent, deadline: absent, maxRetries: absent });
  new EncryptedStore(new DatabaseStore(), {}, { subject: absent, acceptPlaintext: absent });

  // @ts-expect-error an unknown option
  new AccountClient({ clientname: 'x' });
  // @ts-expect-error a string is no amount
  await client.balance.add('100');
  new AccountClient({ store: { load: () => null, replace: () => false, cacheFor: 500 } });
  // @ts-expect-error a store needs its methods
  new AccountClient({ store: { load: () => null } });
  // @ts-expect-error replace must say whether it replaced
  new AccountClient({ store: { load: () => null, replace: () => undefined } });
  const replaced = await FileStore.parallelCli().replace(null, '{}');
  same<typeof replaced, boolean>(true);
  // @ts-expect-error a Secret is no string
  const leaked: string = token;
  // @ts-expect-error no such code
  if (new AccountError({ code: 'internal', message: '' }).code === 'nonsense') console.log(leaked);
  // @ts-expect-error models are read-only
  balance.creditBalanceCents = 5;
}

export async function seeing(client: AccountClient): Promise<void> {
  const call = client.apps.create('x', {
    headers: { traceparent: '00-a-b-01' },
    timeout: undefined,
  });
  same<typeof call, ApiPromise<App>>(true);
  const { data, status, headers, requestId } = await call.withResponse();
  same<typeof data, App>(true);
  same<typeof status, number>(true);
  const found: string | undefined = headers['x-request-id'] ?? requestId;
  new AccountClient({ logger: console, headers: new Headers({ found: found ?? '' }) });
  new AccountClient({ logger: { warn: (message: string) => console.log(message) } });
  const view: AccountClient = client.withOptions({ headers: [['x-a', '1']], maxRetries: 0 });
  tracingChannel<unknown, CallMessage>('parallel-account:call').start.subscribe((message) => {
    (message as CallMessage).headers.traceparent = '00-a-b-01';
  });
  const login = await view.startLogin();
  for await (const event of login.events({ signal: AbortSignal.timeout(5) })) {
    same<typeof event, LoginEvent>(true);
  }
  // @ts-expect-error a header's value is a string
  await client.balance.get({ headers: { 'x-a': 1 } });
  // @ts-expect-error a logger's methods are functions
  new AccountClient({ logger: { warn: 'x' } });
}
