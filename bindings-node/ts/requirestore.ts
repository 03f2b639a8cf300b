import { optionalCacheTime, refuse } from './checks.js';
import type { CredentialStore } from './credentialstore.js';
import { ConfigError } from './errors.js';
import { kindOf } from './kind.js';

/** Refuses what is no store. */
export function requireStore(store: unknown): asserts store is CredentialStore {
  if (typeof store !== 'object' || store === null) {
    refuse(`store must be an object with load() and replace(), not ${kindOf(store)}`, ConfigError);
  }
  const { load, replace, cacheFor } = store as Partial<CredentialStore>;
  for (const [name, method] of Object.entries({ load, replace })) {
    if (typeof method === 'function') continue;
    refuse(`The store has no method ${name}(); it needs load() and replace()`, ConfigError);
  }
  optionalCacheTime('cacheFor', cacheFor);
}
