// A user's tests in jest, which loads modules in its own way.

const { startSandbox } = require('parallel-account-sandbox');

let sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());
beforeEach(() => sandbox.reset());

test('a balance', async () => {
  const client = await sandbox.loggedInClient();
  await sandbox.setBalance(7);
  expect((await client.balance.get()).creditBalanceCents).toBe(7);
});

test('a card that is declined', async () => {
  const { PaymentRequiredError } = require('parallel-account');
  const client = await sandbox.loggedInClient();
  await sandbox.declineCard();
  await expect(client.balance.add(100)).rejects.toBeInstanceOf(PaymentRequiredError);
});

test('fake timers do not stop it', async () => {
  jest.useFakeTimers();
  try {
    const client = await sandbox.loggedInClient();
    await expect(client.balance.get()).resolves.toMatchObject({ creditBalanceCents: 5000 });
  } finally {
    jest.useRealTimers();
  }
});
