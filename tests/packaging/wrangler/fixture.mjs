const env = { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" };

export default {
  group: "Runtimes",
  name: "Cloudflare Workers",
  tools: ["wrangler", "workerd"],
  rows: [
    {
      name: "wrangler dev (workerd)",
      kind: "response",
      serve: "wrangler dev --ip 127.0.0.1 --port {port} --inspector-port 0",
      path: "/follow",
      env,
    },
    { name: "wrangler deploy --dry-run", kind: "compile", run: "wrangler deploy --dry-run --outdir out", env },
  ],
};
