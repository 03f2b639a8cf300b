import { refuse } from './checks.js';
import { ConfigError } from './errors.js';
import { nextNumber } from './hoststore.js';
import { kindOf } from './kind.js';

/**
 * Where a client logs: `console`, pino, winston, or any object with some of these methods. No line
 * holds a secret.
 */
export interface Logger {
  /** Each request with its status, duration and request ID. Without this method none is built. */
  debug?(message: string): void;
  /** Retries, and renewed tokens. */
  info?(message: string): void;
  /** Refreshes that failed, slow stores, files that others can read. */
  warn?(message: string): void;
  /** Stores that failed. */
  error?(message: string): void;
}

export type Level = keyof Logger;

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export function requireLogger(logger: unknown): asserts logger is Logger {
  if (typeof logger !== 'object' || logger === null) {
    refuse(
      `logger must be an object with ${LEVELS.join(', ')}, not ${kindOf(logger)}`,
      ConfigError,
    );
  }
  const methods = LEVELS.map((level) => [level, (logger as Logger)[level]] as const);
  const given = methods.filter(([, method]) => method !== undefined);
  for (const [level, method] of given) {
    if (typeof method !== 'function') {
      refuse(`logger.${level} must be a function, not ${kindOf(method)}`, ConfigError);
    }
  }
  if (given.length === 0) {
    refuse(`logger has none of the methods ${LEVELS.join(', ')}`, ConfigError);
  }
}

/**
 * Weakly, because a logger may hold the client that it logs for. The client holds it, and so does
 * each of its calls.
 */
const loggers = new Map<number, WeakRef<Logger>>();

/** Answers the number by which the native side knows it. */
export function keepLogger(logger: Logger): number {
  const number = nextNumber();
  loggers.set(number, new WeakRef(logger));
  return number;
}

/** The client is gone. */
export function forgetLogger(number: number): void {
  loggers.delete(number);
}

/** Whether there is any. */
export function isLogged(): boolean {
  return loggers.size > 0;
}

/** The logger of one client. */
export function log(number: number, level: Level, line: () => string): void {
  const logger = loggers.get(number)?.deref();
  if (logger !== undefined) write(logger, level, line);
}

/** Each logger once. */
export function logToAll(level: Level, message: string): void {
  const all = new Set([...loggers.values()].map((reference) => reference.deref()));
  for (const logger of all) if (logger !== undefined) write(logger, level, () => message);
}

/** What a logger throws, at once or later, must fail no call, end no process, and not get lost. */
function write(logger: Logger, level: Level, line: () => string): void {
  if (logger[level] === undefined) return;
  const warn = (error: unknown) =>
    process.emitWarning(`The logger of a client threw: ${String(error)}`, 'ParallelAccountWarning');
  try {
    const answer: unknown = logger[level](line());
    if (answer instanceof Promise) answer.catch(warn);
  } catch (error) {
    warn(error);
  }
}
