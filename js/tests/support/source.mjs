// Modules of src/ that the package does not export, bundled on the fly.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Imports `src/<name>.ts` of each name, together. Two calls give two copies of the modules. */
export async function source(...names) {
  const directory = mkdtempSync(join(tmpdir(), "seamline-src-"));
  const outfile = join(directory, "source.mjs");
  const contents = names.map((name) => `export * from "./${name}.ts";`).join("\n");
  const stdin = { contents, resolveDir: fileURLToPath(new URL("../../src", import.meta.url)) };
  try {
    await build({ stdin, outfile, bundle: true, format: "esm", target: "es2022", logLevel: "error" });
    return await import(pathToFileURL(outfile));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
