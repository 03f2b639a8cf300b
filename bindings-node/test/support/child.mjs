// Tells its parent the balance of the login in the file that it is given, and ends by itself.

import { AccountClient, FileStore } from 'parallel-account';

const client = new AccountClient({ store: new FileStore(process.argv[2]) });
const { creditBalanceCents } = await client.balance.get();
process.send(creditBalanceCents);
process.disconnect();
