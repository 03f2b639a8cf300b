import { type CallMessage, calls } from './channels.js';

/** What the last answer to a call said besides its body. */
interface Answered {
  readonly response: { readonly status: number; readonly requestId?: string } | undefined;
}

/**
 * Follows a call as `TracingChannel.tracePromise` does: `start` and `end` around its beginning,
 * `asyncStart` and `asyncEnd` around its outcome, `error` before them.
 * @param begin Gets the headers that subscribers want sent.
 */
export async function trace<T>(
  operation: string,
  state: Answered,
  begin: (headers: Record<string, string>) => Promise<T>,
): Promise<T> {
  const message: CallMessage = { operation, headers: {} };
  return await inStores(message, async () => {
    try {
      return await begun(message, () => begin(message.headers));
    } catch (error) {
      message.error = error;
      answered(message, state);
      calls.error.publish(message);
      throw error;
    } finally {
      answered(message, state);
      calls.asyncStart.publish(message);
      calls.asyncEnd.publish(message);
    }
  });
}

/** Publishes the start, and binds the stores that subscribers have bound to it. */
function inStores<T>(message: CallMessage, run: () => Promise<T>): Promise<T> {
  if (typeof calls.start.runStores === 'function') return calls.start.runStores(message, run);
  calls.start.publish(message);
  return run();
}

function begun<T>(message: CallMessage, begin: () => Promise<T>): Promise<T> {
  try {
    return begin();
  } finally {
    calls.end.publish(message);
  }
}

function answered(message: CallMessage, { response }: Answered): void {
  if (response === undefined) return;
  message.status = response.status;
  if (response.requestId !== undefined) message.requestId = response.requestId;
}
