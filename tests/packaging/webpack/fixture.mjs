export default {
  group: "Bundlers",
  name: "webpack",
  tools: ["webpack"],
  rows: [
    { name: "build", kind: "page", build: "webpack --mode production", files: { dir: "dist" } },
    {
      name: "build, in a subpath",
      kind: "page",
      build: "webpack --mode production --output-public-path /sub/path/",
      files: { dir: "dist", base: "/sub/path/" },
      path: "/sub/path/",
    },
    { name: "dev server", kind: "page", serve: "webpack serve --mode development --port {port}" },
    {
      name: "build, in a worker",
      kind: "page",
      build: "webpack --mode production --entry ./src/worker-page.js",
      files: { dir: "dist" },
    },
    {
      name: "build, source in CommonJS",
      kind: "page",
      build: "webpack --mode production --entry ./src/commonjs.js",
      files: { dir: "dist" },
    },
    {
      name: "build, seamline/slim",
      kind: "page",
      build: "webpack --mode production --entry ./src/slim.js",
      files: { dir: "dist" },
    },
  ],
};
