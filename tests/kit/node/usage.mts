import type { AccountClient, DeviceLogin } from 'parallel-account';
import {
  type AccountSandbox,
  type Counts,
  SandboxError,
  startSandbox,
} from 'parallel-account-sandbox';

export async function use(login: DeviceLogin): Promise<Counts> {
  await using sandbox: AccountSandbox = await startSandbox({ interval: 1000, port: 0 });
  const client: AccountClient = await sandbox.loggedInClient({ maxRetries: 2 });
  await client.balance.get();
  await sandbox.approve(login, { orgId: 'org_1', wait: 1000 });
  await sandbox.deny('BCDF-GHJK');
  await sandbox.fault('balance.get', { status: 503, reset: 'after' });
  // @ts-expect-error: it is no fault.
  await sandbox.fault('balance.get', { stats: 503 });
  // @ts-expect-error: it is no option.
  await startSandbox({ color: 'red' });
  const environment: Record<string, string> = sandbox.environment({ home: '/tmp' });
  if (!environment) throw new SandboxError('no environment');
  return await sandbox.counts();
}
