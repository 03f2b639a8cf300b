import { refuse } from './checks.js';
import { ConfigError } from './errors.js';
import { kindOf } from './kind.js';

/** Header names and values: an object, a `Headers`, a `Map`, or an array of pairs. */
export type HeadersLike = Readonly<Record<string, string>> | Iterable<readonly [string, string]>;

/** Names and values by turns, as the native module takes them. What they may hold the core checks. */
export function flatHeaders(headers: unknown): string[] {
  if (typeof headers !== 'object' || headers === null) {
    refuse(`headers must be an object or pairs, not ${kindOf(headers)}`, ConfigError);
  }
  const pairs =
    Symbol.iterator in headers ? (headers as Iterable<unknown>) : Object.entries(headers);
  const flat: string[] = [];
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') {
      refuse('headers must be an object, or pairs of a name and a value', ConfigError);
    }
    const [name, value] = pair as [string, unknown];
    if (typeof value !== 'string') {
      refuse(`headers: the value of ${name} must be a string, not ${kindOf(value)}`, ConfigError);
    }
    flat.push(name, value);
  }
  return flat;
}

/** `base` with `added` in place of what has the same names. */
export function mergedHeaders(base: readonly string[], added: readonly string[]): string[] {
  const replaced = new Set<string>();
  for (let at = 0; at < added.length; at += 2) replaced.add((added[at] as string).toLowerCase());
  const merged: string[] = [];
  for (let at = 0; at < base.length; at += 2) {
    const [name, value] = base.slice(at, at + 2) as [string, string];
    if (!replaced.has(name.toLowerCase())) merged.push(name, value);
  }
  merged.push(...added);
  return merged;
}
