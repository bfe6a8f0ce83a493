const files = { dir: "." };

export default {
  group: "Without a bundler",
  name: "HTML page",
  tools: ["chromium"],
  rows: [
    { name: "module script, import map", kind: "page", files, path: "/module.html" },
    {
      name: "module script from another origin",
      kind: "page",
      files: { dir: ".", headers: { "Access-Control-Allow-Origin": "*" } },
      path: "/other-origin.html",
    },
    {
      name: "strict Content-Security-Policy",
      kind: "page",
      files: {
        dir: ".",
        headers: {
          "Content-Security-Policy": [
            "default-src 'none'",
            "script-src 'self' 'nonce-fixture' 'wasm-unsafe-eval'",
            "connect-src 'self' ws://127.0.0.1:*",
            "img-src data:",
            "require-trusted-types-for 'script'",
          ].join("; "),
        },
      },
      path: "/module.html",
    },
    { name: "dedicated worker", kind: "page", files, path: "/dedicated-worker.html" },
    { name: "shared worker", kind: "page", files, path: "/shared-worker.html" },
    { name: "service worker", kind: "page", files, path: "/service-worker.html" },
    {
      name: "service worker, plain dialect",
      kind: "page",
      files,
      path: "/service-worker.html?worker=plain-service-worker.js",
    },
  ],
};
