const env = { NUXT_TELEMETRY_DISABLED: "1", HOST: "127.0.0.1" };
const dev = "nuxt dev --host 127.0.0.1 --port {port}";
const clean = [".nuxt", ".output", "node_modules/.cache"];
const build = "nuxt build";
const start = "node .output/server/index.mjs";

/**
 * A cold `nuxt dev` bundles its dependencies again when it finds another one. What the page has requested meanwhile is
 * outdated, and Nuxt reloads the page. Seen in a project with `mitt` in place of this package, too.
 */
const toolErrors = [
  /504 \(Outdated Optimize Dep\).*\/client\/deps\/(?!seamline)/,
  /^TypeError: Failed to fetch dynamically imported module: .*\/nuxt\/dist\/app\/entry\.js/,
];

export default {
  group: "Frameworks",
  name: "Nuxt",
  tools: ["nuxt", "vue"],
  rows: [
    { name: "dev (cold, then warm)", kind: "page", clean, serve: dev, times: 2, toolErrors, env },
    { name: "dev, server route", kind: "response", serve: dev, path: "/follow", env },
    { name: "build", kind: "page", clean, build, serve: start, env },
    { name: "build, server route", kind: "response", build, serve: start, path: "/follow", env },
  ],
};
