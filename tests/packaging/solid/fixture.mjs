export default {
  group: "Frameworks",
  name: "Solid",
  tools: ["solid-js", "vite"],
  rows: [
    {
      name: "seamline/solid, dev",
      kind: "page",
      clean: ["node_modules/.vite"],
      serve: "vite --port {port} --strictPort",
    },
    { name: "seamline/solid, build", kind: "page", build: "vite build", files: { dir: "dist" } },
  ],
};
