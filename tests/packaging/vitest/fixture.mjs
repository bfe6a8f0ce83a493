export default {
  group: "Test runners",
  name: "Vitest",
  tools: ["vitest"],
  rows: [
    { name: "node", kind: "process", run: "vitest run --environment node" },
    { name: "happy-dom", kind: "process", run: "vitest run --environment happy-dom" },
    { name: "jsdom 27", kind: "process", run: "vitest run --environment jsdom" },
    {
      name: "jsdom 28 and newer",
      kind: "unsupported",
      because:
        "Vitest replaces the `Event` class that their WebSocket needs, so that it emits nothing; use `happy-dom`.",
    },
  ],
};
