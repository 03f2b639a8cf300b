// The arguments of the stores. Without the rest of the library, which loads the native module.

import { kindOf } from '../kind.js';

/** What the table of a database is called unless the application says otherwise. */
export const TABLE = 'parallel_account_logins';

/**
 * Refuses an argument with the language's own error, because these files stand alone: an error class
 * of the library in them would be another than the one that the application imports.
 * @param advice What to pass instead.
 * @throws {TypeError}
 */
export function wrong(name: string, kind: string, value: unknown, advice: string): never {
  const given = value === '' ? 'an empty one' : kindOf(value);
  throw new TypeError(`${name} must be ${kind}, not ${given}. ${advice}`);
}

export function requireKey(key: unknown): asserts key is string {
  const advice = "Pass the user's ID as text, such as String(user.id).";
  if (typeof key !== 'string' || key === '') {
    wrong('key', 'a string that is not empty', key, advice);
  }
  // Written as UTF-8, all lone surrogates are the same: one user would get another's login.
  if (/\0|\p{Surrogate}/u.test(key)) {
    throw new TypeError(`key must be without NUL and without lone surrogates. ${advice}`);
  }
}

export function requireOptions(options: unknown, known: string[]): void {
  if (typeof options !== 'object' || options === null) {
    wrong('The options', 'an object', options, `There are ${known.join(', ')}.`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new TypeError(`There is no option ${name}; there are ${known.join(', ')}`);
  }
}

/** The name of the table; it becomes part of statements. */
export function requireTable(table: unknown = TABLE): string {
  if (
    typeof table !== 'string' ||
    !/^[\p{L}_][\p{L}\p{N}_$]*(\.[\p{L}_][\p{L}\p{N}_$]*)?$/u.test(table)
  ) {
    const advice = 'Quoted names, and names with other characters, are not supported.';
    wrong('table', 'the name of a table, such as logins or app.logins', table, advice);
  }
  return table;
}
