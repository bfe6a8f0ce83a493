export default {
  group: "Bundlers",
  name: "Vite",
  tools: ["vite"],
  versions: { package: "vite", list: ["5.4.21", "6.4.6", "7.3.8", "8.3.8"] },
  rows: [
    {
      name: "dev (cold, then warm)",
      kind: "page",
      clean: ["node_modules/.vite"],
      serve: "vite --port {port} --strictPort",
      times: 2,
    },
    { name: "build", kind: "page", build: "vite build", files: { dir: "dist" } },
    {
      name: "build, in a subpath",
      kind: "page",
      build: "vite build --base /sub/path/",
      files: { dir: "dist", base: "/sub/path/" },
      path: "/sub/path/",
    },
    {
      name: "preview, all paths are the page",
      kind: "page",
      build: "vite build",
      serve: "vite preview --port {port} --strictPort",
      path: "/some/route",
    },
    { name: "build, in a worker", kind: "page", build: "vite build worker", files: { dir: "worker/dist" } },
    {
      name: "dev, in a worker",
      kind: "page",
      clean: ["node_modules/.vite"],
      serve: "vite worker --port {port} --strictPort",
    },
    { name: "build, seamline/slim", kind: "page", build: "vite build slim", files: { dir: "slim/dist" } },
    {
      name: "dev, seamline/slim",
      kind: "page",
      clean: ["node_modules/.vite"],
      serve: "vite slim --port {port} --strictPort",
    },
  ],
};
