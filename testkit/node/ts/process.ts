// The program in a process that ends with this one, however this one ends.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { SandboxError, sandboxProgram } from './program.js';

/** How long it may take to end. */
const PATIENCE = 10_000;

/** What it says when it has started. */
export interface Addresses {
  platform_url: string;
  account_url: string;
  data_url: string;
  control_url: string;
  pid: number;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export class SandboxProcess {
  readonly #child: Child;
  readonly #ended: Promise<void>;
  #said = '';

  private constructor(child: Child) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('close', () => resolve());
    });
    // What is written to a process that has ended says nothing new.
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-10_000);
    });
  }

  /** Starts one, and waits until it can be reached. */
  static async start(args: readonly string[]): Promise<[SandboxProcess, Addresses]> {
    const program = sandboxProgram();
    const child = spawn(program, ['--until-stdin-closes', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Ctrl-C is for the tests, whose last ones may still need it.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    const started = new SandboxProcess(child);
    const lines = createInterface({ input: child.stdout });
    try {
      const [line] = await Promise.race([
        once(lines, 'line') as Promise<[string]>,
        once(child, 'close').then(() => Promise.reject(started.#whyItEnded())),
      ]);
      // An idle sandbox keeps no process alive.
      for (const stream of child.stdio) (stream as unknown as Socket | null)?.unref?.();
      child.unref();
      return [started, JSON.parse(line) as Addresses];
    } catch (cause) {
      if (cause instanceof SandboxError) throw cause;
      const { message } = cause as Error;
      throw new SandboxError(`${program} could not be started: ${message}`, { cause });
    } finally {
      lines.close();
    }
  }

  /** Why it could not be reached. */
  async problem(error: Error): Promise<SandboxError> {
    if (this.#child.stdin.writableEnded) return new SandboxError('The sandbox was stopped.');
    if (await this.#hasEnded(1000)) return this.#whyItEnded();
    return new SandboxError(`The sandbox did not answer: ${error.message}`, { cause: error });
  }

  /** Ends it, and waits until it has ended. */
  async stop(): Promise<void> {
    // It waits for this.
    this.#child.stdin.end();
    if (await this.#hasEnded(PATIENCE)) return;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #hasEnded(patience: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    // The timer keeps the process alive meanwhile.
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), patience);
    });
    const ended = await Promise.race([this.#ended.then(() => true), late]);
    clearTimeout(timer);
    return ended;
  }

  #whyItEnded(): SandboxError {
    const { exitCode, signalCode } = this.#child;
    const said = this.#said.trim().replace(/^parallel-account-sandbox: /, '');
    const how = signalCode === null ? `status ${exitCode}` : signalCode;
    return new SandboxError(
      `parallel-account-sandbox ended with ${how}: ${said || 'it did not say why'}`,
    );
  }
}
