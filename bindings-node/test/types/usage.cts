// Compiled, never run: the same from CommonJS.

import { AccountClient, type Status } from 'parallel-account';

import account = require('parallel-account');

export async function usage(): Promise<Status> {
  const client: account.AccountClient = new AccountClient();
  return await client.status();
}
