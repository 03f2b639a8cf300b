// The Node worker of the stress tests; see README.md for what workers do.

import { AccountClient, AccountError, FileStore } from 'parallel-account';

const [mode, place, number] = process.argv.slice(2);

/** A store written here, without any lock: the record is in a cell that a server keeps. */
const cell = {
  async load() {
    return JSON.parse(await (await fetch(place)).text());
  },
  async replace(old, next) {
    const body = JSON.stringify([old, next]);
    return JSON.parse(await (await fetch(place, { method: 'POST', body })).text());
  },
};

const store = place.startsWith('http:') ? cell : new FileStore(place);
const client = new AccountClient({ clientName: 'stress', store });
const failures = {};
let calls = 0;

async function attempt() {
  calls += 1;
  try {
    await client.balance.get();
  } catch (error) {
    if (!(error instanceof AccountError)) throw error;
    failures[error.code] = (failures[error.code] ?? 0) + 1;
  }
}

if (mode === 'herd') {
  await Promise.all(Array.from({ length: Number(number) }, attempt));
} else {
  const end = performance.now() + Number(number) * 1000;
  console.log('ready');
  while (performance.now() < end) {
    await attempt();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
console.log(JSON.stringify({ calls, failures }));
