// Node.js 20 has no WebSocket of its own.
export default {
  group: "Runtimes",
  name: "Node.js with ws",
  tools: ["node", "ws"],
  versions: { package: "node", list: ["20.0.0", "20.20.2"] },
  rows: [
    { name: "ES module", kind: "process", run: "node follow.mjs" },
    { name: "CommonJS", kind: "process", run: "node follow.cjs" },
  ],
};
