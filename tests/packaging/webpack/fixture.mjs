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
  ],
};
