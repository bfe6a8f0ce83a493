// The rows that `cargo xtask test` runs: each way to load the package, in tools that install and build quickly.
export const FAST = [
  "esbuild/esm",
  "esbuild/iife",
  "jest/CommonJS, jsdom",
  "no-bundler/module script, import map",
  "no-bundler/service worker, plain dialect",
  "node@24/CommonJS",
  "node@24/ES module",
  "react@19/seamline/react, build",
  "rollup/iife",
  "typescript@5.0/nodenext, ES and CommonJS",
  "typescript@7/bundler, React",
  "vite@7/dev (cold, then warm)",
  "vite@8/build",
  "vite@8/build, in a worker",
  "webpack/build",
];
