// An Account API that answers what it is told and keeps what it was sent.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { AccountClient, MemoryStore } from 'parallel-account';

const BALANCE = { org_id: 'org_1', credit_balance_cents: 4200 };

/** A stored login. `expired`: its access token is to be renewed. */
export function record({ expired = false } = {}) {
  const login = { access_token: 'canary-access-1', refresh_token: 'canary-refresh-1' };
  if (expired) login.access_token_expires_at = 1;
  const orgs = { org_1: { control_api: login } };
  return JSON.stringify({ version: 1, client_id: 'c', selected_org_id: 'org_1', orgs });
}

/**
 * Starts one on a free port. `answers` are functions of the answer to write, one for each request to
 * come; further requests get a balance. Close it in the end.
 */
export async function startService() {
  const requests = [];
  const answers = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    requests.push({ method: request.method, url: request.url, headers: request.headers, body });
    const answer = answers.shift() ?? ((to) => json(to, 200, BALANCE));
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  const urls = { platformUrl: url, accountUrl: url };
  return {
    url,
    urls,
    requests,
    answers,
    client: (options) =>
      new AccountClient({ ...urls, store: new MemoryStore(record()), ...options }),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Answers with JSON and a request ID. */
export function json(response, status, body, headers = {}) {
  const all = { 'content-type': 'application/json', 'x-request-id': 'req-1', ...headers };
  response.writeHead(status, all).end(JSON.stringify(body));
}
