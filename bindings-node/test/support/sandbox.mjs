// The real sandbox as a child process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { program } from './program.mjs';

/** Starts one on a free port; `stop()` it in the end. */
export async function startSandbox(...options) {
  const binary = process.env.PARALLEL_ACCOUNT_SANDBOX || program('parallel-account-sandbox');
  const child = spawn(binary, ['--port', '0', ...options.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(() => {
      throw new Error('the sandbox ended before it listened');
    }),
  ]);
  const addresses = JSON.parse(line);
  const { platform_url: platformUrl, account_url: accountUrl, control_url } = addresses;

  async function control(route, body) {
    const answer = await fetch(`${control_url}/${route}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${route}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  return {
    platformUrl,
    accountUrl,
    dataUrl: addresses.data_url,
    controlUrl: control_url,
    urls: { platformUrl, accountUrl },
    env: { PARALLEL_PLATFORM_URL: platformUrl, PARALLEL_SERVICE_API_URL: accountUrl },
    control,
    approve: (code, more) => control('approve', { user_code: code, wait: 10, ...more }),
    fault: (fault) => control('faults', fault),
    /** How often a route was asked. */
    async count(route) {
      return (await control('counts')).routes[route] ?? 0;
    },
    /** How often each route was asked. */
    async counts() {
      return (await control('counts')).routes;
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}
