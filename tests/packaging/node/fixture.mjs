// The npm package `node` is the program itself.
export default {
  group: "Runtimes",
  name: "Node.js",
  tools: ["node"],
  versions: { package: "node", list: ["22.23.3", "24.21.0", "26.10.0"] },
  rows: [
    { name: "ES module", kind: "process", run: "node follow.mjs" },
    { name: "CommonJS", kind: "process", run: "node follow.cjs" },
  ],
};
