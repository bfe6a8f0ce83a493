// Bundles the applications of tests/frameworks/.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** An esbuild plugin for components of Svelte: `compiler` is `svelte/compiler`; `generate` says for what it compiles. */
export const svelte = ({ compile }, generate) => ({
  name: "svelte",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { js } = compile(await readFile(path, "utf8"), { filename: path, generate });
      return { contents: js.code };
    }),
});

/**
 * Returns the script of a file of tests/frameworks/ and all that it imports. The options are esbuild's: Solid and Svelte
 * are their builds for browsers with the platform "browser", and those for servers with "node".
 */
export async function bundle(file, options) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../frameworks/${file}`, import.meta.url))],
    bundle: true,
    write: false,
    define: {
      "process.env.NODE_ENV": '"development"',
      __VUE_OPTIONS_API__: "false",
      __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "true",
    },
    conditions: ["development"],
    logLevel: "silent",
    ...options,
  });
  return outputFiles[0].text;
}
