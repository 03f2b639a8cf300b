// 1,000 calls at once to a host whose name must be looked up. Prints how many threads that took.

import { readdirSync } from 'node:fs';
import { startService } from './service.mjs';

const threads = () => readdirSync('/proc/self/task').length;

const service = await startService();
const urls = {
  platformUrl: service.url,
  accountUrl: service.url.replace('127.0.0.1', 'localhost'),
};
const client = service.client(urls);
await client.balance.get();
const before = threads();
let most = before;
let pending = 1000;
const calls = Array.from({ length: pending }, async () => {
  try {
    return await client.balance.get();
  } finally {
    pending -= 1;
  }
});
while (pending > 0) {
  most = Math.max(most, threads());
  await new Promise((resolve) => setImmediate(resolve));
}
await Promise.all(calls);
console.log(JSON.stringify({ threads: most - before }));
service.close();
