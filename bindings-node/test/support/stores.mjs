// Stores written in JavaScript, as applications have them.

import { snippet } from './readme.mjs';

/** Waits for one turn of the event loop, so that others come in between. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

export class SyncStore {
  record = null;
  load() {
    return this.record;
  }
  replace(old, next) {
    if (this.record !== old) return false;
    this.record = next;
    return true;
  }
}

export class AsyncStore extends SyncStore {
  async load() {
    await null;
    return super.load();
  }
  async replace(old, next) {
    await turn();
    const replaced = super.replace(old, next);
    await turn();
    return replaced;
  }
}

/** A store with some methods of its own. */
export const storeWith = (methods) => Object.assign(new AsyncStore(), methods);

/** The store of the README, on a pool that keeps its table in memory. */
export function readmeStore(user) {
  const [code] = /^class LoginStore \{[\s\S]*?^\}/m.exec(snippet('class LoginStore {'));
  const LoginStore = new Function(`return ${code}`)();
  return new LoginStore(new Pool(), user);
}

/** What the four statements of the README do; each takes effect at once, at some time. */
class Pool {
  rows = new Map();

  async query(sql, [user, first, second]) {
    await turn();
    const answer = this.#answer(sql, user, first, second);
    await turn();
    return answer;
  }

  #answer(sql, user, first, second) {
    const record = this.rows.get(user);
    const change = (matches, make) => {
      if (matches) make();
      return { rowCount: matches ? 1 : 0 };
    };
    switch (sql) {
      case 'SELECT record FROM logins WHERE user_id = $1':
        return { rows: record === undefined ? [] : [{ record }] };
      case 'INSERT INTO logins VALUES ($1, $2) ON CONFLICT DO NOTHING':
        return change(record === undefined, () => this.rows.set(user, first));
      case 'UPDATE logins SET record = $3 WHERE user_id = $1 AND record = $2':
        return change(record === first, () => this.rows.set(user, second));
      case 'DELETE FROM logins WHERE user_id = $1 AND record = $2':
        return change(record === first, () => this.rows.delete(user));
      default:
        throw new Error(`this pool does not know: ${sql}`);
    }
  }
}
