// Values of this library in the words of the scenarios: snake_case, Unix seconds, seconds.

import { AccountError, Secret } from 'parallel-account';

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Fields that hold milliseconds. */
const DURATIONS = new Set([
  'interval',
  'expiresIn',
  'refreshTokenExpiresIn',
  'authorizationExpiresIn',
  'retryIn',
  'retryAfter',
]);

export function value(of) {
  if (of === undefined || of === null) return null;
  if (of instanceof Secret) return of.expose();
  if (of instanceof Date) return of.getTime() / 1000;
  if (of instanceof AccountError) return error(of);
  if (Array.isArray(of)) return of.map(value);
  if (typeof of !== 'object') return of;
  return Object.fromEntries(
    Object.entries(of).map(([name, field]) => [
      snake(name),
      DURATIONS.has(name) && typeof field === 'number' ? field / 1000 : value(field),
    ]),
  );
}

export function error(of) {
  if (of instanceof DOMException && of.name === 'AbortError') {
    return { code: 'cancelled', message: of.message };
  }
  if (!(of instanceof AccountError)) return { code: 'unexpected', message: `${of?.stack ?? of}` };
  return {
    code: of.code,
    message: inScenariosWords(of.message),
    status: of.status ?? null,
    request_id: of.requestId ?? null,
    retry_after: of.retryAfter === undefined ? null : of.retryAfter / 1000,
    retryable: of.retryable,
    outcome_unknown: of.outcomeUnknown,
    idempotency_key: of.idempotencyKey ?? null,
    oauth_error: of.oauthError ?? null,
    description: of.description ?? null,
    fields: of.fields ?? [],
  };
}

/** The scenarios name options in one way for all languages. */
function inScenariosWords(message) {
  return message.replace(
    /\b(?:account|ca|client|idempotency|lock|platform|user)[A-Z][a-z]+\b/g,
    (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  );
}
