export default {
  group: "Runtimes",
  name: "Deno",
  tools: ["deno"],
  rows: [
    {
      name: "may use the network, and nothing else",
      kind: "process",
      run: 'deno run --no-prompt --allow-net follow.ts "$SEAMLINE_URL"',
    },
    { name: "types", kind: "compile", run: "deno check follow.ts" },
  ],
};
