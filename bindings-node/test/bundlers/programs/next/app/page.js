import { AccountClient, MemoryStore } from 'parallel-account';

export const dynamic = 'force-dynamic';

export default async function Page() {
  const { loggedIn } = await new AccountClient({ store: new MemoryStore() }).status();
  return <p>{loggedIn ? 'logged in' : 'logged out'}</p>;
}
