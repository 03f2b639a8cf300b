// The arguments of the stores. Without the rest of the library, which loads the native module.

/** What the table of a database is called unless the application says otherwise. */
export const TABLE = 'parallel_account_logins';

/** @throws {TypeError} */
export function wrong(name: string, kind: string): never {
  throw new TypeError(`${name} must be ${kind}`);
}

export function requireKey(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key === '') wrong('key', 'a string that is not empty');
  // Written as UTF-8, all lone surrogates are the same: one user would get another's login.
  if (/\0|\p{Surrogate}/u.test(key)) wrong('key', 'without NUL and without lone surrogates');
}

export function requireOptions(options: unknown, known: string[]): void {
  if (typeof options !== 'object' || options === null) wrong('The options', 'an object');
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
    wrong('table', 'the name of a table, such as logins or app.logins');
  }
  return table;
}
