import kit = require('parallel-account-sandbox');

export const start = (): Promise<kit.AccountSandbox> => kit.startSandbox();
export const { AccountSandbox } = kit;
