export default {
  group: "Frameworks",
  name: "Vue",
  tools: ["vue", "vite"],
  rows: [
    {
      name: "seamline/vue, dev",
      kind: "page",
      clean: ["node_modules/.vite"],
      serve: "vite --port {port} --strictPort",
    },
    { name: "seamline/vue, build", kind: "page", build: "vite build", files: { dir: "dist" } },
  ],
};
