// Arguments are checked before the native module sees them, so that a mistake is named in the
// caller's words. What an argument means (ranges, forms of URLs) is checked by the core.

import { type AccountErrorDetails, ConfigError, InvalidRequestError } from './errors.js';
import { kindOf } from './kind.js';
import { Secret, type SecretText } from './secret.js';

type Refusal = new (details: AccountErrorDetails) => Error;

const CODES = { config: 'config', invalid: 'invalid_request' } as const;

/** Throws the error for a bad argument. */
export function refuse(message: string, refusal: Refusal): never {
  const code = refusal === InvalidRequestError ? CODES.invalid : CODES.config;
  throw new refusal({ code, message });
}

export function requireString(
  name: string,
  value: unknown,
  refusal: Refusal = InvalidRequestError,
): asserts value is string {
  if (typeof value !== 'string') {
    refuse(`${name} must be a string, not ${kindOf(value)}`, refusal);
  }
}

export function optionalString(
  name: string,
  value: unknown,
  refusal: Refusal = InvalidRequestError,
): asserts value is string | undefined {
  if (value !== undefined) requireString(name, value, refusal);
}

export function optionalBoolean(
  name: string,
  value: unknown,
  refusal: Refusal = InvalidRequestError,
): asserts value is boolean | undefined {
  if (value !== undefined && typeof value !== 'boolean') {
    refuse(`${name} must be true or false, not ${kindOf(value)}`, refusal);
  }
}

export function optionalFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') {
    refuse(`${name} must be a function, not ${kindOf(value)}`, InvalidRequestError);
  }
}

/** A time in milliseconds. The core has the same range and would name it in its own words. */
export function optionalTimeout(
  name: string,
  value: unknown,
  refusal: Refusal = InvalidRequestError,
): asserts value is number | undefined {
  if (value === undefined) return;
  if (typeof value !== 'number') {
    refuse(`${name} must be a number of milliseconds, not ${kindOf(value)}`, refusal);
  }
  if (!(value > 0 && value <= DAY)) {
    const range = `greater than 0 and at most ${DAY} milliseconds (one day)`;
    refuse(`${name} must be ${range}, not ${kindOf(value)}`, ConfigError);
  }
}

const DAY = 86_400_000;

/** How long a store's record may be used, in milliseconds. */
export function optionalCacheTime(
  name: string,
  value: unknown,
): asserts value is number | undefined {
  if (value === undefined || (typeof value === 'number' && value >= 0 && value <= DAY)) return;
  const range = `0 to ${DAY} milliseconds (one day)`;
  refuse(`${name} must be ${range}, not ${kindOf(value)}`, ConfigError);
}

/** How often to retry. */
export function optionalCount(
  name: string,
  value: unknown,
  refusal: Refusal = InvalidRequestError,
): asserts value is number | undefined {
  if (value === undefined) return;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    refuse(`${name} must be a non-negative integer, not ${kindOf(value)}`, refusal);
  }
}

export function requireCents(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    refuse(`${name} must be a whole number of cents, not ${kindOf(value)}`, InvalidRequestError);
  }
}

export function requireStrings(
  name: string,
  value: unknown,
  refusal: Refusal = InvalidRequestError,
): asserts value is string[] {
  if (!Array.isArray(value)) {
    refuse(`${name} must be an array of strings, not ${kindOf(value)}`, refusal);
  }
  for (const [at, item] of value.entries()) requireString(`${name}[${at}]`, item, refusal);
}

export function optionalStrings(
  name: string,
  value: unknown,
  refusal: Refusal = InvalidRequestError,
): asserts value is string[] | undefined {
  if (value !== undefined) requireStrings(name, value, refusal);
}

/** The text of a secret that may come as a `Secret`. */
export function secretText(name: string, value: SecretText): string {
  if (value instanceof Secret) return value.expose();
  if (typeof value !== 'string') {
    refuse(`${name} must be a string or a Secret, not ${kindOf(value)}`, InvalidRequestError);
  }
  return value;
}

/** Options are an object, and a misspelled one is not passed over in silence. */
export function requireOptions(
  value: unknown,
  known: readonly string[],
  refusal: Refusal = InvalidRequestError,
): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse(`The options must be an object, not ${kindOf(value)}`, refusal);
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) {
      refuse(`There is no option ${name}; there are ${known.join(', ')}`, refusal);
    }
  }
}

export function optionalSignal(value: unknown): asserts value is AbortSignal | undefined {
  if (value === undefined) return;
  const signal = value as Partial<AbortSignal> | null;
  if (typeof signal?.aborted !== 'boolean' || typeof signal.addEventListener !== 'function') {
    refuse(`signal must be an AbortSignal, not ${kindOf(value)}`, InvalidRequestError);
  }
}
