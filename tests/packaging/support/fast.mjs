// The rows that `cargo xtask test` runs: different ways to load the package, in tools that install quickly.
export const FAST = ["vite@8/build"];
