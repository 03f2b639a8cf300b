// The types for `import`; scripts/build-ts.mjs writes the code. The same classes as for `require`, so
// that `instanceof` holds between the two.
export * from './index.js';
