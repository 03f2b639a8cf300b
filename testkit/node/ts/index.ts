/**
 * A local Parallel for tests: OAuth endpoints, Account API and faults, without a real account.
 * @packageDocumentation
 */

export { SandboxError, sandboxProgram } from './program.js';
export {
  AccountSandbox,
  type ApproveOptions,
  type LoginOptions,
  type PendingLogin,
  type StartOptions,
  startSandbox,
  type WaitOptions,
} from './sandbox.js';
export type {
  AppState,
  Counts,
  DeviceCodeState,
  Fault,
  KeyState,
  OrganizationChange,
  OrganizationState,
  ReceivedRequest,
  SandboxOptions,
} from './shapes.js';
