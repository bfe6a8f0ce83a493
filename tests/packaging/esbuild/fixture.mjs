const bundle = (format, source, to, more = "") =>
  `esbuild src/${source} --bundle --minify --format=${format} --outfile=public/${to} ${more}`;

export default {
  group: "Bundlers",
  name: "esbuild",
  tools: ["esbuild"],
  rows: [
    {
      name: "esm",
      kind: "page",
      build: bundle("esm", "page.js", "main.js"),
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
      name: "iife, in a classic worker",
      kind: "page",
      build: bundle("iife", "worker.js", "worker.js"),
      files: { dir: "public" },
      path: "/worker.html",
    },
    {
      name: "esm, seamline/slim",
      kind: "page",
      build: bundle("esm", "slim.js", "main.js", "--loader:.wasm=file"),
      files: { dir: "public" },
      path: "/module.html",
    },
    {
      name: "cjs, in Node",
      kind: "process",
      build: bundle("cjs", "process.js", "main.cjs", "--platform=node"),
      run: "node public/main.cjs",
    },
    {
      name: "esm, in Node",
      kind: "process",
      build: bundle("esm", "process.js", "main.mjs", "--platform=node --external:ws"),
      run: "node public/main.mjs",
    },
  ],
};
