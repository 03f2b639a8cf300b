import { AccountClient, AccountError, MemoryStore } from 'parallel-account';
import { RedisStore } from 'parallel-account/stores';
import old from './old.cjs';

const same: boolean =
  AccountClient === old.AccountClient &&
  AccountError === old.AccountError &&
  RedisStore === old.RedisStore;
const client = new AccountClient({ store: new MemoryStore() });
const loggedOut: unknown = await client.balance.get().catch((error: unknown) => error);
await client.login({ onPrompt: () => undefined });
const { creditBalanceCents } = await client.balance.get();
console.log(JSON.stringify([same, loggedOut instanceof old.AccountError, creditBalanceCents]));
