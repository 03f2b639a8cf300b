// The whole job once: log in, read the balance, see the access token renewed, log out.
//
//   PARALLEL_PLATFORM_URL=… PARALLEL_SERVICE_API_URL=… node examples/demo.mjs

import { setTimeout as sleep } from 'node:timers/promises';
import { AccountClient, AccountError, MemoryStore } from 'parallel-account';

const RENEWED_WITHIN = 60_000;

async function main() {
  const client = new AccountClient({
    clientName: 'Node demo',
    store: new MemoryStore(),
  });
  const status = await client.login({ openBrowser: false });
  console.log('approved: yes');
  const organization = status.organization;
  if (organization) console.log(`organization: ${organization.name} (${organization.id})`);

  const balance = await client.balance.get();
  console.log(`balance: ${(balance.creditBalanceCents / 100).toFixed(2)} USD`);

  console.log('refreshed:', (await tokenIsRenewed(client)) ? 'yes' : 'no, it lives too long');

  await client.logout();
  console.log('revoked:', (await client.status()).loggedIn ? 'no' : 'yes');
}

/** Waits for a token's natural end and looks for another one. */
async function tokenIsRenewed(client) {
  const before = (await client.accessToken()).expose();
  const deadline = Date.now() + RENEWED_WITHIN;
  while (Date.now() < deadline) {
    await sleep(200);
    if ((await client.accessToken()).expose() !== before) return true;
  }
  return false;
}

main().catch((error) => {
  if (!(error instanceof AccountError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
