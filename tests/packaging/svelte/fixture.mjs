export default {
  group: "Frameworks",
  name: "Svelte",
  tools: ["svelte", "vite"],
  rows: [
    {
      name: "seamline/svelte, dev",
      kind: "page",
      clean: ["node_modules/.vite"],
      serve: "vite --port {port} --strictPort",
    },
    { name: "seamline/svelte, build", kind: "page", build: "vite build", files: { dir: "dist" } },
  ],
};
