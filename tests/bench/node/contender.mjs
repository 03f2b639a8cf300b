// One contender: `contender.mjs NAME MODE`, as ../README.md describes it. Each line of its input,
// `SECONDS CALLS`, is a turn, which it answers with a line.
//
// Every contender does the same: GET the balance with the bearer header, check the status, parse
// the JSON. Each is written as its own documentation advises: one client or agent, kept.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

const BASE = process.env.BENCH_URL;
const TOKEN = process.env.BENCH_TOKEN;
const URL = `${BASE}/account/service/v1/balance`;
const HEADERS = { authorization: `Bearer ${TOKEN}`, accept: 'application/json' };
const REFRESH_TOKEN = 'rt_bench_0';
const AT_ONCE = 64;

// Logged in until 2100.
const RECORD = JSON.stringify({
  version: 1,
  selected_org_id: 'org_bench',
  orgs: {
    org_bench: { control_api: { access_token: TOKEN, access_token_expires_at: 4_102_444_800 } },
  },
});

/** Makes a client of this library. */
async function ours() {
  const { AccountClient, MemoryStore } = await import('parallel-account');
  return new AccountClient({
    platformUrl: BASE,
    accountUrl: `${BASE}/account`,
    store: new MemoryStore(RECORD),
  });
}

/** Each answers, once loaded, a function that makes a client, which answers one that calls. */
const contenders = {
  'parallel-account': async () => {
    const client = await ours();
    return () => client.balance.get();
  },

  fetch: async () => async () => {
    const response = await fetch(URL, { headers: HEADERS });
    if (!response.ok) throw new Error(`${response.status}`);
    return response.json();
  },

  undici: async () => {
    const { request } = await import('undici');
    return async () => {
      const { statusCode, body } = await request(URL, { headers: HEADERS });
      if (statusCode !== 200) throw new Error(`${statusCode}`);
      return body.json();
    };
  },

  axios: async () => {
    const { default: axios } = await import('axios');
    const client = axios.create({ httpAgent: new Agent({ keepAlive: true }) });
    return async () => (await client.get(URL, { headers: HEADERS })).data;
  },

  got: async () => {
    const { default: got } = await import('got');
    const agent = { http: new Agent({ keepAlive: true }) };
    return () => got(URL, { headers: HEADERS, agent }).json();
  },

  // Refreshing, for comparison: another request, so another pair.
  'openid-client': async () => {
    const client = await import('openid-client');
    const server = { issuer: BASE, token_endpoint: `${BASE}/token` };
    const config = new client.Configuration(server, 'bench', undefined, client.None());
    client.allowInsecureRequests(config);
    return () => client.refreshTokenGrant(config, REFRESH_TOKEN);
  },
  'parallel-account-refresh': async () => {
    const client = await ours();
    return () => client.oauth.refresh(REFRESH_TOKEN, { clientId: 'bench' });
  },
};

function check(answer) {
  const org = answer.orgId ?? answer.org_id;
  const token = answer.accessToken ?? answer.access_token;
  assert.equal(token === undefined ? org : 'org_bench', 'org_bench');
}

/** Calls for so many seconds, or so many times if that is not 0. */
async function run(call, atOnce, seconds, calls) {
  const end = performance.now() + seconds * 1000;
  const each = Math.ceil(calls / atOnce);
  const goesOn = each > 0 ? (done) => done < each : () => performance.now() < end;
  const worker = async () => {
    let done = 0;
    while (goesOn(done)) {
      await call();
      done += 1;
    }
    return done;
  };
  const done = await Promise.all(Array.from({ length: atOnce }, worker));
  return done.reduce((sum, n) => sum + n, 0);
}

function rss() {
  return Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[1]) * 4096;
}

/** Seconds of CPU time of the thread that runs JavaScript. */
function threadCpu() {
  const schedstat = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8');
  return Number(schedstat.split(' ')[0]) / 1e9;
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [name, mode] = process.argv.slice(2);
const atOnce = mode === 'many' ? AT_ONCE : 1;

const call = await contenders[name]();
say({ rss_start: rss() });
check(await call());

for await (const line of createInterface({ input: process.stdin })) {
  const [seconds, calls] = line.split(' ').map(Number);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [cpu, thread, start] = [process.cpuUsage(), threadCpu(), performance.now()];
  const done = await run(call, atOnce, seconds, calls);
  const taken = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const threadTaken = threadCpu() - thread;
  delay.disable();
  say({
    calls: done,
    seconds: taken,
    cpu: (user + system) / 1e6,
    thread_cpu: threadTaken,
    rss_end: rss(),
    loop_delay_ms: {
      mean: delay.mean / 1e6,
      p99: delay.percentile(99) / 1e6,
      max: delay.max / 1e6,
    },
  });
}
// Idle connections of a rival may stay alive.
process.exit(0);
