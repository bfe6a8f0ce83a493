// TypeScript 6 deprecates this module resolution, and 7 has removed it.
export default {
  group: "TypeScript",
  name: "TypeScript",
  tools: ["typescript"],
  versions: { package: "typescript", list: ["5.0.4", "5.9.3"] },
  rows: [{ name: "commonjs, node10", kind: "compile", run: "tsc" }],
};
