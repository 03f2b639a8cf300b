// Stores written in JavaScript that misbehave: a clear error or a good continuation, nothing lost,
// no loop.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LoginRequiredError, StoreCorruptError, StoreError } from 'parallel-account';
import { login, make, sandbox, tokensOf } from './support/storeclients.mjs';
import { AsyncStore, storeWith } from './support/stores.mjs';

/** A store with a login in it. */
async function loggedIn() {
  const store = new AsyncStore();
  await login(make(store));
  return store;
}

const hang = () => new Promise(() => undefined);

describe('a method that fails', () => {
  const thrown = new Error('the database is down');
  const fail = () => {
    throw thrown;
  };

  for (const [how, method] of [
    ['throws', fail],
    ['rejects', async () => fail()],
  ]) {
    test(`load() ${how}`, async () => {
      await assert.rejects(make(storeWith({ load: method })).status(), (error) => {
        assert.ok(error instanceof StoreError);
        assert.equal(error.cause, thrown);
        assert.match(error.message, /load\(\) failed: the database is down/);
        return true;
      });
    });

    test(`replace() ${how}`, async () => {
      await assert.rejects(login(make(storeWith({ replace: method }))), (error) => {
        assert.ok(error instanceof StoreError);
        assert.equal(error.cause, thrown);
        assert.match(error.message, /replace\(\) failed: the database is down/);
        return true;
      });
    });
  }

  test('replace() throws what quotes the record: the message does not', async () => {
    const quoting = storeWith({
      replace: (_, next) => {
        if (next.includes('refresh_token')) throw new Error(`insert '${next}' - disk full`);
        return true;
      },
    });
    await assert.rejects(login(make(quoting)), (error) => {
      assert.ok(error instanceof StoreError);
      assert.match(error.cause.message, /refresh_token.* - disk full/s);
      assert.match(error.message, /replace\(\) failed: see the cause/);
      assert.doesNotMatch(JSON.stringify(error), /refresh_token/);
      return true;
    });
  });

  test('replace() fails while a token is refreshed: the new pair is stored later', async () => {
    const store = await loggedIn();
    const before = store.record;
    const client = make(store);
    const works = store.replace;
    store.replace = fail;
    await sandbox.control('expire-access-token', {});
    await client.balance.get().catch((error) => assert.equal(error.cause, thrown));
    store.replace = works;
    assert.equal((await client.balance.get()).creditBalanceCents, 5000);
    await client.settled();
    assert.notEqual(tokensOf(store.record).refresh_token, tokensOf(before).refresh_token);
    assert.equal((await make(store).balance.get()).creditBalanceCents, 5000);
    assert.equal((await sandbox.control('counts')).refresh_token_reuses, 0);
  });

  const strange = {
    'a text': 'text',
    null: null,
    undefined: undefined,
    'a symbol': Symbol('s'),
    'an object without a text': { toString: () => null },
    'an error whose message is a number': Object.assign(new Error(), { message: 5 }),
    'an error whose message is a symbol': Object.assign(new Error(), { message: Symbol('s') }),
    'an error whose message is an object': Object.assign(new Error(), { message: {} }),
    'an error whose message cannot be read': Object.defineProperty(new Error(), 'message', {
      get: fail,
    }),
    'a proxy that was revoked': (() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    })(),
  };
  for (const [name, value] of Object.entries(strange)) {
    test(`with ${name}`, async () => {
      const load = () => {
        throw value;
      };
      const error = await make(storeWith({ load }))
        .status()
        .catch((error) => error);
      assert.ok(error instanceof StoreError);
      if (value !== null && value !== undefined) assert.equal(error.cause, value);
    });
  }

  test('2,000 times at once: each error has its cause', async () => {
    const thrown = new Set();
    const load = async () => {
      const error = new Error(`failure ${thrown.size}`);
      thrown.add(error);
      throw error;
    };
    const client = make(storeWith({ load }));
    const calls = Array.from({ length: 2000 }, () => client.status());
    for (const { reason } of await Promise.allSettled(calls)) {
      assert.ok(reason instanceof StoreError);
      assert.ok(thrown.has(reason.cause), `${reason.cause}`);
    }
  });
});

describe('a method that hangs runs into the time-out', () => {
  const patience = { storeTimeout: 50 };

  test('load()', async () => {
    await assert.rejects(make(storeWith({ load: hang }), patience).status(), {
      code: 'store',
      message: /load\(\) failed: it did not answer within 0.05 s\. .* storeTimeout/,
    });
  });

  test('replace()', async () => {
    await assert.rejects(login(make(storeWith({ replace: hang }), patience)), {
      code: 'store',
      message: /replace\(\) failed: it did not answer within 0.05 s/,
    });
  });
});

describe('an answer of the wrong kind', () => {
  for (const answer of [7, true, {}, ['record']]) {
    test(`load() gives ${JSON.stringify(answer)}`, async () => {
      await assert.rejects(make(storeWith({ load: () => answer })).status(), {
        code: 'store',
        message: /load\(\) must return the record or null, not /,
      });
    });
  }

  for (const answer of [undefined, null, 1, 'true', { rowCount: 1 }]) {
    test(`replace() gives ${JSON.stringify(answer)}`, async () => {
      await assert.rejects(login(make(storeWith({ replace: () => answer }))), {
        code: 'store',
        message: /replace\(\) must return true \(replaced\) or false \(.*\), not /,
      });
    });
  }

  test('load() gives what is no record', async () => {
    const client = make(storeWith({ load: () => 'nonsense' }));
    await assert.rejects(client.balance.get(), StoreCorruptError);
  });

  test("load() gives another user's record", async () => {
    const { record } = await loggedIn();
    const store = storeWith({ record });
    const client = make(store, { org: 'org_of_somebody_else' });
    await assert.rejects(client.balance.get(), LoginRequiredError);
    assert.equal(store.record, record);
  });
});

describe('replace() that loses or lies', () => {
  test('lost races: what another process wrote meanwhile survives', async () => {
    const store = new AsyncStore();
    let races = 0;
    const replace = store.replace.bind(store);
    store.replace = async (old, next) => {
      if (races < 3) {
        races += 1;
        store.record = JSON.stringify({
          ...(store.record === null ? { version: 1 } : JSON.parse(store.record)),
          [`foreign_${races}`]: races,
        });
      }
      return await replace(old, next);
    };
    const client = make(store);
    await login(client);
    const { foreign_1, foreign_2, foreign_3 } = JSON.parse(store.record);
    assert.deepEqual([foreign_1, foreign_2, foreign_3], [1, 2, 3]);
    assert.equal((await make(store).balance.get()).creditBalanceCents, 5000);
  });

  test('false forever ends in an error', async () => {
    let asked = 0;
    const replace = async () => {
      asked += 1;
      return false;
    };
    await assert.rejects(login(make(storeWith({ replace }))), {
      code: 'store',
      message: /replace must compare with exactly what its load returns/,
    });
    assert.ok(asked < 100, `${asked} tries`);
  });

  test('false forever while a token is refreshed: no loop, and the login is not wiped', async () => {
    const store = await loggedIn();
    const { record } = store;
    store.replace = async () => false;
    await sandbox.control('expire-access-token', {});
    await assert.rejects(make(store).balance.get(), StoreError);
    assert.equal(store.record, record);
    // Without a claim nothing is sent, so the stored pair is still good.
    assert.equal(await sandbox.count('token.refresh'), 0);
  });

  test('true without having written: one refresh, whose pair serves this client', async () => {
    const store = await loggedIn();
    store.replace = async () => true;
    await sandbox.control('expire-access-token', {});
    const client = make(store);
    for (let call = 0; call < 5; call += 1) {
      assert.equal((await client.balance.get()).creditBalanceCents, 5000);
    }
    assert.equal(await sandbox.count('token.refresh'), 1);
  });
});
