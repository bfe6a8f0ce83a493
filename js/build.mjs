// Makes dist/ out of src/ and of the wasm and glue in pkg/ and pkg-plain/ (from `cargo xtask pack`).
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
execFileSync("node_modules/.bin/tsc", { stdio: "inherit" });
await build({
  // The plain dialect is a script of its own, which the other imports when it is asked for.
  entryPoints: ["src/index.ts", "src/plain.ts"],
  outdir: "dist",
  plugins: [
    {
      name: "apart",
      setup: (build) => build.onResolve({ filter: /^\.\/plain\.js$/ }, () => ({ path: "./plain.js", external: true })),
    },
  ],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  mangleProps: /^_[a-z]|^__wbg_ptr$|^__destroy_into_raw$/, // what is internal is named so, here and in the glue
  // Nothing here uses `using`.
  define: { "Symbol.dispose": "undefined", FinalizationRegistry: "undefined" },
  // The glue's: that the server's MIME type for wasm is wrong. It works all the same, only slower.
  drop: ["console"],
});
// Only the types of what the package exports: others would point at files that are not in it.
const PUBLIC = ["index", "client", "channel", "codes", "error", "types"].map((name) => `${name}.d.ts`);
for (const name of readdirSync("dist")) if (name.endsWith(".d.ts") && !PUBLIC.includes(name)) rmSync(`dist/${name}`);
copyFileSync("pkg/seamline_bg.wasm", "dist/seamline.wasm");
copyFileSync("pkg-plain/seamline_bg.wasm", "dist/seamline-plain.wasm");
