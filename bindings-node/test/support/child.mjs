import { AccountClient, MemoryStore } from 'parallel-account';

const client = new AccountClient({
  store: new MemoryStore(),
  [Symbol.for('parallel-account.time-scale')]: 20,
});
await client.login({ openBrowser: false, onPrompt: () => undefined });
const { creditBalanceCents } = await client.balance.get();
process.send(creditBalanceCents);
process.disconnect();
