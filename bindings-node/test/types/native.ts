// Compiled, never run: ts/native.ts against what napi's macros say of the Rust code (generated.d.ts,
// which test/native.test.mjs writes).

import type * as Declared from '../../ts/native.js';
import type * as Generated from './generated.js';

/** A type without what the macros do not know: literals, and `null` apart from `undefined`. */
type Plain<T> = T extends string
  ? string
  : T extends number | boolean | Uint8Array | null | undefined
    ? T extends null
      ? undefined
      : T
    : T extends (...args: infer A) => infer R
      ? { arguments: Fields<A>; result: R extends undefined | null ? undefined : Plain<R> }
      : Fields<T>;
type Fields<T> = {
  [K in keyof T]-?: [Plain<NonNullable<T[K]>>, undefined extends T[K] ? 'optional' : 'required'];
};

type Same<A, B> = [A, B] extends [B, A] ? true : false;
const same = <A, B>(_: Same<Plain<A>, Plain<B>>) => undefined;

same<Generated.ApiKey, Declared.NativeApiKey>(true);
same<Generated.ClientOptions, Declared.NativeClientOptions>(true);
same<Generated.DeviceCode, Declared.NativeDeviceCode>(true);
same<Generated.EncryptedStep, Declared.EncryptedStep>(true);
same<Generated.Failure, Declared.NativeFailure>(true);
same<Generated.Limits, Declared.NativeLimits>(true);
same<Generated.LoginEvent, Declared.NativeEvent>(true);
same<Generated.LoginStatus, Declared.NativeStatus>(true);
same<Generated.PollAnswer, Declared.NativePollAnswer>(true);
same<Generated.Tokens, Declared.NativeTokens>(true);

same<Generated.NativeBridge, Declared.NativeBridge>(true);
same<Generated.NativeCipher, Declared.NativeCipher>(true);
same<Omit<Generated.NativeClient, 'panicForTests'>, Declared.NativeClient>(true);
same<Generated.NativeEncryptedCall, Declared.NativeEncryptedCall>(true);
same<Generated.NativeLogin, Declared.NativeLogin>(true);
same<Generated.NativeStore, Declared.NativeStore>(true);

type Module = typeof Declared.native;
same<typeof Generated.NativeStore.memory, Module['NativeStore']['memory']>(true);
same<typeof Generated.NativeStore.file, Module['NativeStore']['file']>(true);
same<typeof Generated.openBrowser, Module['openBrowser']>(true);
same<typeof Generated.openCipher, Module['openCipher']>(true);
same<typeof Generated.openCliStore, Module['openCliStore']>(true);
// Without its result, which has one method for tests more.
same<Parameters<typeof Generated.openClient>, Parameters<Module['openClient']>>(true);
