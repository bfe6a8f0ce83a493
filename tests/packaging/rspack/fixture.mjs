export default {
  group: "Bundlers",
  name: "Rspack",
  tools: ["@rspack/core"],
  rows: [
    { name: "build", kind: "page", build: "rspack build --mode production", files: { dir: "dist" } },
    { name: "dev server", kind: "page", serve: "rspack serve --mode development --port {port}" },
    {
      name: "build, seamline/slim",
      kind: "page",
      build: "rspack build --mode production --entry ./src/slim.js",
      files: { dir: "dist" },
    },
  ],
};
