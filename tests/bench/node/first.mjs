// A program that reads the balance once, as short as each contender allows: `first.mjs NAME`.

const BASE = process.env.BENCH_URL;
const TOKEN = process.env.BENCH_TOKEN;
const URL = `${BASE}/account/service/v1/balance`;
const HEADERS = { authorization: `Bearer ${TOKEN}`, accept: 'application/json' };
// Logged in until 2100.
const RECORD = JSON.stringify({
  version: 1,
  selected_org_id: 'org_bench',
  orgs: {
    org_bench: { control_api: { access_token: TOKEN, access_token_expires_at: 4_102_444_800 } },
  },
});

const contenders = {
  'parallel-account': async () => {
    const { AccountClient, MemoryStore } = await import('parallel-account');
    const client = new AccountClient({
      platformUrl: BASE,
      accountUrl: `${BASE}/account`,
      store: new MemoryStore(RECORD),
    });
    const { orgId } = await client.balance.get();
    await client.close();
    return orgId;
  },
  fetch: async () => (await (await fetch(URL, { headers: HEADERS })).json()).org_id,
  undici: async () => {
    const { request } = await import('undici');
    return (await (await request(URL, { headers: HEADERS })).body.json()).org_id;
  },
};

const organization = await contenders[process.argv[2]]();
if (organization !== 'org_bench') throw new Error(`not the balance of ${organization}`);
process.exit(0);
