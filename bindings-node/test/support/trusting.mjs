// Prints the balance that a server gives over TLS, or what went wrong, and the log. Arguments: the
// server's URL, and a bundle or nothing.

import { AccountClient, MemoryStore } from 'parallel-account';

const [accountUrl, caBundle] = process.argv.slice(2);
const login = { access_token: 'canary-access' };
const record = { version: 1, selected_org_id: 'o', orgs: { o: { control_api: login } } };
const lines = [];
const client = new AccountClient({
  accountUrl,
  platformUrl: accountUrl,
  maxRetries: 0,
  store: new MemoryStore(JSON.stringify(record)),
  logger: { warn: (line) => lines.push(line) },
  ...(caBundle ? { caBundle } : {}),
});
const outcome = await client.balance.get().then(
  ({ creditBalanceCents }) => creditBalanceCents,
  ({ code, message }) => `${code}: ${message}`,
);
console.log(JSON.stringify({ outcome, lines }));
