// A call of the control surface.

import { Agent, request } from 'node:http';
import { SandboxError } from './program.js';

/** The status and the text of the answer. By node:http, as tests often replace `fetch`. */
function send(method: string, url: string, body: unknown): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    // A connection for each: one that is kept could have been closed meanwhile.
    const sent = request(url, { method, headers, agent: new Agent() }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
      });
      answer.once('end', () => resolve([answer.statusCode ?? 0, text]));
      answer.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/**
 * Calls the control surface.
 * @throws {SandboxError} It refuses.
 * @throws {Error} It cannot be reached.
 */
export async function control<T>(
  base: string,
  method: string,
  path: string,
  body: unknown,
): Promise<T> {
  const [status, text] = await send(method, base + path, body);
  if (status === 200) return JSON.parse(text) as T;
  let reason = text || 'no reason given';
  try {
    reason = (JSON.parse(text) as { error: string }).error ?? reason;
  } catch {
    // It is no JSON, and shown as it is.
  }
  throw new SandboxError(`${method} ${path} was refused (${status}): ${reason}`);
}
