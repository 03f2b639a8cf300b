// The Node worker of the stress tests; see README.md for what workers do.

import { AccountClient, AccountError, FileStore } from "parallel-account";

const [mode, path, number] = process.argv.slice(2);
const client = new AccountClient({ clientName: "stress", store: new FileStore(path) });
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

if (mode === "herd") {
  await Promise.all(Array.from({ length: Number(number) }, attempt));
} else {
  const end = performance.now() + Number(number) * 1000;
  console.log("ready");
  while (performance.now() < end) {
    await attempt();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
console.log(JSON.stringify({ calls, failures }));
