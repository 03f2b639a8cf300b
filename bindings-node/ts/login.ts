import { unwrap } from './bridge.js';
import { optionalSignal, requireOptions } from './checks.js';
import { LoginEvents } from './loginevents.js';
import { type LoginEvent, loginEvent, type QrCode, type Status, status } from './models.js';
import type { NativeEvent, NativeLogin, NativeStatus } from './native.js';
import { Secret } from './secret.js';
import type { Session } from './session.js';

/** Options of a step that only waits. */
export interface WaitOptions {
  /** Stops waiting, not the login: rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * A device login in progress (RFC 8628): show {@link userCode} and {@link verificationUri} to a
 * person, then `wait()`, or iterate over the events, or `poll()` by yourself.
 *
 * ```js
 * const login = await client.startLogin();
 * console.log(`Open ${login.verificationUri} and type ${login.userCode}`);
 * for await (const event of login) console.log(event.type);
 * ```
 */
export class DeviceLogin implements AsyncIterable<LoginEvent> {
  /** What the user types. */
  readonly userCode: string;
  /** Where the user types it. */
  readonly verificationUri: string;
  /** The same with the code in it, where the server gives one. */
  readonly verificationUriComplete: string | undefined;
  /** When the code expires. */
  readonly expiresAt: Date;
  readonly #native: NativeLogin;
  readonly #session: Session;

  /** @internal */
  constructor(native: NativeLogin, session: Session) {
    const prompt = native.prompt();
    this.userCode = prompt.userCode;
    this.verificationUri = prompt.verificationUri;
    this.verificationUriComplete = prompt.verificationUriComplete;
    this.expiresAt = new Date(prompt.expiresAt);
    this.#native = native;
    this.#session = session;
  }

  /** How long to wait between polls, in milliseconds; grows when the server asks for it. */
  get interval(): number {
    return this.#native.interval();
  }

  /** The whole prompt as text that is safe for a terminal. */
  get promptText(): string {
    return unwrap(this.#native.promptText());
  }

  /** The link as a QR code. */
  qr(): QrCode {
    return unwrap(this.#native.qr());
  }

  /** What another process needs to continue this login. A secret: it holds the device code. */
  pendingRecord(): Secret {
    return new Secret(this.#native.pendingRecord());
  }

  /**
   * Waits until a poll is due, polls once, and says what came of it.
   * @throws {AccountError} `access_denied`, `login_expired`, `oauth`, …; the same again when
   *   called again.
   */
  async poll(options?: WaitOptions): Promise<LoginEvent> {
    const event = await this.#waiting<NativeEvent>('login.poll', options, (number) =>
      this.#native.poll(number),
    );
    return loginEvent(event);
  }

  /**
   * Polls until the login is decided, and stores it.
   * @throws {AccountError} As `poll()`.
   */
  async wait(options?: WaitOptions): Promise<Status> {
    return status(
      await this.#waiting<NativeStatus>('login.wait', options, (number) =>
        this.#native.wait(number),
      ),
    );
  }

  /**
   * Stops the login: whoever waits for it is told so, and no poll follows. They get an
   * `AbortError`.
   */
  cancel(): void {
    this.#native.cancel();
  }

  /**
   * The events up to `authorized`. Leaving the loop stops polling, also while an event is waited
   * for; `wait()` continues the login, and so do these events when asked for again.
   * @param options `signal`: ends the loop, which then throws the signal's reason.
   */
  events(options?: WaitOptions): AsyncGenerator<LoginEvent, void, undefined> {
    if (options !== undefined) requireOptions(options, ['signal']);
    optionalSignal(options?.signal);
    return new LoginEvents((signal) => this.poll({ signal }), options?.signal);
  }

  /** `events()` without a signal. */
  [Symbol.asyncIterator](): AsyncGenerator<LoginEvent, void, undefined> {
    return this.events();
  }

  async #waiting<T>(
    operation: string,
    options: WaitOptions | undefined,
    start: (number: number) => void,
  ): Promise<T> {
    if (options !== undefined) requireOptions(options, ['signal']);
    return await this.#session.call<T>(operation, options, (_, number) => start(number));
  }
}
