const env = { NUXT_TELEMETRY_DISABLED: "1", HOST: "127.0.0.1" };
const dev = "nuxt dev --host 127.0.0.1 --port {port}";
const clean = [".nuxt", ".output", "node_modules/.cache"];
const build = "nuxt build";
const start = "node .output/server/index.mjs";

export default {
  group: "Frameworks",
  name: "Nuxt",
  tools: ["nuxt", "vue"],
  rows: [
    { name: "dev (cold, then warm)", kind: "page", clean, serve: dev, times: 2, env },
    { name: "dev, server route", kind: "response", serve: dev, path: "/follow", env },
    { name: "build", kind: "page", clean, build, serve: start, env },
    { name: "build, server route", kind: "response", build, serve: start, path: "/follow", env },
  ],
};
