import { type CallState, see } from './bridge.js';
import { InvalidRequestError } from './errors.js';

/** What a call of the Account API gives, with what the answer says besides. */
export interface ApiResponse<T> {
  /** What the call gives without `withResponse()`. */
  readonly data: T;
  /** The HTTP status. */
  readonly status: number;
  /** By name in lower case; values of the same name are joined by a comma. `Set-Cookie` is left out. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names the request to Parallel's support. */
  readonly requestId: string | undefined;
}

/** The promise of a call of the Account API. */
export interface ApiPromise<T> extends Promise<T> {
  /**
   * The same call's result with status, headers and request ID. To be called at once:
   * `await client.balance.get().withResponse()`.
   * @throws {InvalidRequestError} The call had ended before.
   */
  withResponse(): Promise<ApiResponse<T>>;
}

/** Gives the promise its method. As a property, because a promise of a subclass costs more to await. */
export function apiPromise<T>(promise: Promise<T>, state: CallState): ApiPromise<T> {
  const api = promise as ApiPromise<T>;
  api.withResponse = () => withResponse(promise, state);
  return api;
}

async function withResponse<T>(promise: Promise<T>, state: CallState): Promise<ApiResponse<T>> {
  see(state);
  const data = await promise;
  if (state.response === undefined) {
    const message =
      'withResponse() came after the call had ended, when the response was gone. Call it at once: ' +
      'await client.balance.get().withResponse()';
    throw new InvalidRequestError({ code: 'invalid_request', message });
  }
  const { status, requestId, headers } = state.response;
  return { data, status, headers: byName(headers), requestId };
}

function byName(flat: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (let at = 0; at < flat.length; at += 2) {
    const [name, value] = flat.slice(at, at + 2) as [string, string];
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}
