// The types for `import`; scripts/build-ts.mjs writes the code.
export * from './index.js';
