export default {
  group: "Test runners",
  name: "Vitest",
  tools: ["vitest"],
  rows: [
    { name: "node", kind: "process", run: "vitest run follow --environment node" },
    { name: "happy-dom", kind: "process", run: "vitest run follow --environment happy-dom" },
    { name: "jsdom 27", kind: "process", run: "vitest run follow --environment jsdom" },
    { name: "seamline/testing, node", kind: "compile", run: "vitest run fake-timers --environment node" },
    { name: "seamline/testing, happy-dom", kind: "compile", run: "vitest run fake-timers --environment happy-dom" },
    { name: "seamline/testing, jsdom", kind: "compile", run: "vitest run fake-timers --environment jsdom" },
    {
      name: "jsdom 28 and newer",
      kind: "unsupported",
      because:
        "Vitest replaces the `Event` class that their WebSocket needs, so that it emits nothing; use `happy-dom`.",
    },
  ],
};
