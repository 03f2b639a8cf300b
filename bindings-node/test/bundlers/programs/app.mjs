// A program that imports, with a part that requires.
import { AccountClient, AccountError, MemoryStore } from 'parallel-account';
import { RedisStore } from 'parallel-account/stores';
import old from './old.cjs';

async function main() {
  const same =
    AccountClient === old.AccountClient &&
    AccountError === old.AccountError &&
    RedisStore === old.RedisStore;
  const client = new AccountClient({ store: new MemoryStore() });
  const loggedOut = await client.balance.get().catch((error) => error);
  await client.login({ onPrompt: () => undefined });
  const { creditBalanceCents } = await client.balance.get();
  console.log(JSON.stringify([same, loggedOut instanceof old.AccountError, creditBalanceCents]));
}

main();
