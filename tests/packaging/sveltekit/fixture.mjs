const dev = "vite dev --host 127.0.0.1 --port {port} --strictPort";
const clean = ["node_modules/.vite", ".svelte-kit", "build"];
const build = "vite build";
const start = "node build";

export default {
  group: "Frameworks",
  name: "SvelteKit",
  tools: ["@sveltejs/kit", "vite"],
  rows: [
    { name: "dev (cold, then warm)", kind: "page", clean, serve: dev, times: 2 },
    { name: "dev, endpoint", kind: "response", serve: dev, path: "/follow" },
    { name: "build, adapter-node", kind: "page", clean, build, serve: start },
    { name: "build, adapter-node, endpoint", kind: "response", build, serve: start, path: "/follow" },
  ],
};
