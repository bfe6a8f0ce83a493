export default {
  group: "Runtimes",
  name: "Bun",
  tools: ["bun"],
  rows: [
    { name: "run", kind: "process", run: "bun follow.ts" },
    {
      name: "bun build for Bun",
      kind: "process",
      build: "bun build follow.ts --target bun --outdir out",
      run: "bun out/follow.js",
    },
    {
      name: "bun build for Node.js",
      kind: "process",
      build: "bun build follow.ts --target node --outdir out",
      run: "bun out/follow.js",
    },
    {
      name: "bun build --compile",
      kind: "process",
      build: "bun build follow.ts --compile --outfile out/follow",
      run: "out/follow",
    },
    { name: "bun build, page", kind: "page", build: "bun build index.html --outdir dist", files: { dir: "dist" } },
    { name: "dev server, page", kind: "page", serve: "bun --port={port} index.html" },
  ],
};
