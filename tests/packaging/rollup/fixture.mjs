const bundle = (format, source, to) =>
  `rollup src/${source} --plugin node-resolve --external ws --format ${format} --file public/${to}`;

export default {
  group: "Bundlers",
  name: "Rollup",
  tools: ["rollup"],
  rows: [
    {
      name: "es",
      kind: "page",
      build: bundle("es", "page.js", "main.js"),
      files: { dir: "public" },
      path: "/module.html",
    },
    {
      name: "iife",
      kind: "page",
      build: bundle("iife", "page.js", "main.js"),
      files: { dir: "public" },
      path: "/script.html",
    },
    {
      name: "iife, seamline/plain",
      kind: "page",
      build: bundle("iife", "plain.js", "main.js"),
      files: { dir: "public" },
      path: "/script.html",
    },
    {
      name: "cjs, in Node",
      kind: "process",
      build: bundle("cjs", "process.js", "main.cjs"),
      run: "node public/main.cjs",
    },
  ],
};
