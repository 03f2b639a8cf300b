#!/usr/bin/env node
// A command: `credits login`, `credits`, `credits logout`. It keeps its login in a file of its own.

import { AccountClient, AccountError, LoginRequiredError } from 'parallel-account';

const client = new AccountClient({ clientName: 'credits' });

const commands = {
  async login() {
    const { organization } = await client.login({ openBrowser: false });
    return `Logged in to ${organization.name}`;
  },
  async show() {
    const { creditBalanceCents } = await client.balance.get();
    return `${(creditBalanceCents / 100).toFixed(2)} USD`;
  },
  async logout() {
    await client.logout();
    return 'Logged out.';
  },
};

const [name = 'show'] = process.argv.slice(2);
try {
  if (!Object.hasOwn(commands, name)) throw new RangeError('Usage: credits [login | logout]');
  console.log(await commands[name]());
} catch (error) {
  if (!(error instanceof AccountError || error instanceof RangeError)) throw error;
  const advice = error instanceof LoginRequiredError ? ' Run: credits login' : '';
  console.error(`credits: ${error.message}${advice}`);
  process.exitCode = error instanceof LoginRequiredError ? 3 : 1;
}
