// Compiled, never run, by native.test.mjs: whether ts/native.ts says what napi derives from Rust.

import type { HostCall } from '../../ts/hoststore.js';
import type { Balance, Organization } from '../../ts/models.js';
import type * as ours from '../../ts/native.js';
import type * as napi from './generated.js';

/** The names in any part of a union; debug builds have further ones. */
type Keys<T> = T extends unknown ? Exclude<keyof T, `${string}ForTests`> : never;
type Optional<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Both<A extends boolean, B extends boolean> = A extends true ? B : false;

/** An object is the same on both sides. */
type Equal<Ours, Napi> = Both<
  Same<Keys<Ours>, Keys<Napi>>,
  Both<Same<Optional<Ours>, Optional<Napi>>, Same<Ours, Napi>>
>;
/** A union of ours is one object of napi's, whose fields are optional where a part lacks them. */
type Union<Ours, Napi> = Both<Same<Keys<Ours>, Keys<Napi>>, [Ours] extends [Napi] ? true : false>;
/** A class has our methods, and no further ones. */
type Class<Ours, Napi> = Both<Same<Keys<Ours>, Keys<Napi>>, [Napi] extends [Ours] ? true : false>;

type Check<T extends true> = T;

export type Objects = [
  Check<Equal<ours.NativeFailure, napi.Failure>>,
  Check<Equal<ours.NativeApiKey, napi.ApiKey>>,
  Check<Equal<ours.NativeStatus, napi.LoginStatus>>,
  Check<Equal<ours.NativeDeviceCode, napi.DeviceCode>>,
  Check<Equal<ours.NativeTokens, napi.Tokens>>,
  Check<Equal<ours.NativePollAnswer, napi.PollAnswer>>,
  Check<Equal<ours.NativeEvent, napi.LoginEvent>>,
  Check<Equal<ours.NativeLimits, napi.Limits>>,
  Check<Equal<ours.NativeResponse, napi.ResponseSeen>>,
  Check<Equal<ours.NativeClientOptions, napi.ClientOptions>>,
  Check<Equal<ours.EncryptedStep, napi.EncryptedStep>>,
  Check<Equal<HostCall, napi.HostCall>>,
  Check<Union<ours.NativeHappened, napi.HappenedEvent>>,
  Check<Union<ours.NativeRefresh, Pick<napi.HappenedEvent, keyof ours.NativeRefresh>>>,
  Check<Union<ours.NativeRequest, Pick<napi.HappenedEvent, keyof ours.NativeRequest>>>,
];

/** Handed on to users as they are. */
export type Models = [
  Check<Union<Balance, napi.Balance>>,
  Check<Same<Keys<Organization>, Keys<napi.Organization>>>,
];

export type Classes = [
  Check<Class<ours.NativeBridge, napi.NativeBridge>>,
  Check<Class<ours.NativeStore, napi.NativeStore>>,
  Check<Class<ours.NativeLogin, napi.NativeLogin>>,
  Check<Class<ours.NativeClient, napi.NativeClient>>,
  Check<Class<ours.NativeEncryptedCall, napi.NativeEncryptedCall>>,
  Check<Class<ours.NativeCipher, napi.NativeCipher>>,
];

/** Ours has no `runCommand`, which the command loads by itself, nor the classes that nobody makes. */
type Module = Pick<typeof napi, keyof typeof ours.native>;
export type Modules = [Check<[Module] extends [typeof ours.native] ? true : false>];
