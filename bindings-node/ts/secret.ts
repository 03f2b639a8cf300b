import { inspect } from 'node:util';

const SHOWN = '[secret]';

/**
 * A token, device code or API key. Printing, logging, `JSON.stringify` and string conversion show
 * `[secret]`; only {@link Secret.expose} gives the text.
 */
export class Secret {
  readonly #text: string;
  /**
   * Makes `structuredClone` and `postMessage` throw, which would otherwise give an empty object: send
   * `expose()`, and wrap it again there.
   * @internal
   */
  readonly uncloneable: unknown = secretsCannotBeClonedSendExposeInstead;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself. Hand it to what needs it, at once, and keep it nowhere else. */
  expose(): string {
    return this.#text;
  }

  /** `[secret]` */
  toString(): string {
    return SHOWN;
  }

  /** `[secret]` */
  toJSON(): string {
    return SHOWN;
  }

  /** @internal */
  [inspect.custom](): string {
    return 'Secret([secret])';
  }
}

/** Its text is in the message of the `DataCloneError`. */
function secretsCannotBeClonedSendExposeInstead() {}

/** A secret as an argument: the text, or a {@link Secret} as this library hands it out. */
export type SecretText = string | Secret;
