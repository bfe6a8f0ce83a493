// The rows that `cargo xtask test` runs: each way to load the package, in tools that install and build quickly.
export const FAST = [
  "esbuild/esm",
  "esbuild/iife",
  "no-bundler/module script, import map",
  "no-bundler/service worker, plain dialect",
  "react@19/seamline/react, build",
  "rollup/iife",
  "vite@7/dev (cold, then warm)",
  "vite@8/build",
  "vite@8/build, in a worker",
  "webpack/build",
];
