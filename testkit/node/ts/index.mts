// For `import`: the same classes as for `require`. By name, as `export *` would also hand on what
// CommonJS marks its modules with.

export type * from './index.js';
export { AccountSandbox, SandboxError, sandboxProgram, startSandbox } from './index.js';
