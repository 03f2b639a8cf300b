#!/usr/bin/env node
// A command: `cli.mjs login`, `status`, `balance`, `add 500`, `apps`, `logout`.

import { AccountClient, AccountError } from 'parallel-account';

const client = new AccountClient({ clientName: 'example-cli' });

// Ctrl-C stops what runs, and the tokens stay whole.
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
const { signal } = interrupted;

const dollars = (cents) => `${(cents / 100).toFixed(2)} USD`;

const commands = {
  async login() {
    const { organization } = await client.login({ signal, openBrowser: !process.env.CI });
    return `Logged in to ${organization?.name ?? organization?.id ?? 'Parallel'}.`;
  },
  async status() {
    const { loggedIn, organization, store } = await client.status();
    return loggedIn ? `${organization?.name ?? organization?.id} (${store})` : 'Not logged in.';
  },
  balance: async () => dollars((await client.balance.get({ signal })).creditBalanceCents),
  add: async (cents) =>
    dollars((await client.balance.add(Number(cents), { signal })).creditBalanceCents),
  async apps() {
    const apps = await client.apps.list({ signal });
    return apps.map(({ appId, appName }) => `${appId}  ${appName}`).join('\n');
  },
  async logout() {
    await client.logout({ signal });
    return 'Logged out.';
  },
};

const [name, ...args] = process.argv.slice(2);
try {
  if (!Object.hasOwn(commands, name ?? '')) {
    throw new Error(`Usage: cli.mjs ${Object.keys(commands).join(' | ')}`);
  }
  console.log(await commands[name](...args));
} catch (error) {
  const known = error instanceof AccountError || !(error instanceof TypeError);
  console.error(known ? error.message : error);
  process.exitCode = signal.aborted ? 130 : 1;
}
