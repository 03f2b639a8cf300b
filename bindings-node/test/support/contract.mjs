// What every store must do. Plain functions, because they run in every runtime.

import assert from 'node:assert/strict';

const ODD = [
  '{"a":"\\u0000 \\ud800"}',
  '\u{1f511} "quoted" \\ back\\\\slash \'; DROP TABLE logins; -- $1 ? %s {}\n\t\u2028\u0001',
  'é',
  'e\u0301',
  ' space ',
  '0',
  'null',
];

/** @param make Makes a store of a key. */
export async function keepsTheContract(make) {
  const store = make('contract');
  assert.equal(await store.load(), null);
  assert.equal(await store.replace('nothing', 'x'), false);
  assert.equal(await store.replace('nothing', null), false);
  assert.equal(await store.replace(null, null), true);
  assert.equal(await store.replace(null, 'one'), true);
  assert.equal(await store.replace(null, null), false);
  assert.equal(await store.replace(null, 'two'), false);
  assert.equal(await store.replace(null, 'one'), false);
  assert.equal(await store.replace('two', 'three'), false);
  assert.equal(await store.replace('two', null), false);
  assert.equal(await store.load(), 'one');
  assert.equal(await store.replace('one', 'two'), true);
  assert.equal(await make('contract').load(), 'two');
  assert.equal(await make('Contract').load(), null);
  assert.equal(await make('contract ').load(), null);
  assert.equal(await store.replace('two', null), true);
  assert.equal(await store.load(), null);
}

export async function keepsOddTexts(make) {
  const store = make('odd: \u{1f511} \'"; --');
  let current = null;
  for (const text of [...ODD, 'x'.repeat(4_000_000), `${'y'.repeat(4_000_000)}é`]) {
    assert.equal(await store.replace(current, text), true);
    assert.equal(await store.load(), text);
    current = text;
  }
  assert.equal(await store.replace(current.replace('é', 'e\u0301'), 'z'), false);
  assert.equal(await store.replace(current, null), true);
}

/** 32 at once, over and over: one wins. */
export async function hasOneWinner(make) {
  const stores = Array.from({ length: 32 }, () => make('race'));
  let current = null;
  for (let round = 0; round < 10; round += 1) {
    const next = round === 9 ? () => null : (at) => `${round} ${at}`;
    const won = await Promise.all(stores.map((store, at) => store.replace(current, next(at))));
    assert.equal(won.filter(Boolean).length, 1, `round ${round}`);
    current = await stores[0].load();
    assert.equal(current, next(won.indexOf(true)));
  }
}
