import { AccountClient, AccountError, MemoryStore } from 'parallel-account';
import { RedisStore } from 'parallel-account/stores';
import old from '../../old.cjs';

export const dynamic = 'force-dynamic';

export async function GET() {
  const same =
    AccountClient === old.AccountClient &&
    AccountError === old.AccountError &&
    RedisStore === old.RedisStore;
  const client = new AccountClient({ store: new MemoryStore() });
  const loggedOut = await client.balance.get().catch((error) => error);
  await client.login({ onPrompt: () => undefined });
  const { creditBalanceCents } = await client.balance.get();
  return Response.json([same, loggedOut instanceof old.AccountError, creditBalanceCents]);
}
