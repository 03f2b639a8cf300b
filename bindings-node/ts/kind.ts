/** What a person would call a value that should have been another; never its text. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'object':
      return 'an object';
    case 'function':
      return 'a function';
    case 'string':
      return 'a string';
    default:
      return `the ${typeof value} ${String(value)}`;
  }
}
