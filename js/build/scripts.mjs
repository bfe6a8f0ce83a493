// Bundles the entries with esbuild.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";
import { minify } from "terser";
import { toPrintable } from "./printable.mjs";

/**
 * Embeds the wasm of pkg/ and pkg-plain/ as text; `src/unpack.ts` reverses that. In an array, because the second minifier
 * would move a text to where it is used, at the end of the script. At the start it costs less: gzip uses one code for
 * some 16,000 symbols, and then few of them are shared with the script.
 */
const packedWasm = {
  name: "packed wasm",
  setup: ({ onLoad }) =>
    onLoad({ filter: /_bg\.wasm$/ }, async ({ path }) => {
      const deflated = `${path}.zlib`;
      if (!existsSync(deflated)) throw new Error(`${deflated} is missing; run cargo xtask pack`);
      return { contents: `export default ["${toPrintable(await readFile(deflated))}"]`, loader: "js" };
    }),
};

/** How the glue reads texts of the wasm. */
const DECODER = /let cachedTextDecoder = [\s\S]*?\nfunction decodeText\(bytes\) {[\s\S]*?\n}\n/;

/** `seamline.wasm` has no texts (see `src/known.ts`). That nothing reads one is checked in the bundle. */
function withoutDecoder(path, code) {
  if (!path.includes("/pkg/")) return code;
  if (!DECODER.test(code)) throw new Error(`the decoder of ${path} has changed; see build/scripts.mjs`);
  return code.replace(DECODER, "");
}

/** Removes what no client uses from the glue of wasm-bindgen: warnings about MIME types. */
const smallGlue = {
  name: "small glue",
  setup: ({ onLoad, esbuild }) =>
    onLoad({ filter: /\bpkg(-plain)?\/seamline\.js$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(withoutDecoder(path, await readFile(path, "utf8")), {
        drop: ["console"],
      });
      return { contents: code };
    }),
};

/**
 * The function of `src/plain-beside.ts`. Bundlers do not follow a computed path, and the comments keep webpack and Vite
 * from warning about it. The minifier would remove them, so this is not part of the source.
 */
const IMPORT_BESIDE = "function importBeside(p){return import(/*webpackIgnore:true*//*@vite-ignore*/p)}";

/** What a source map contains of a source. The package has src/, and the wasm would be in there a second time. */
function mapped(source, content) {
  if (source.startsWith("../src/")) return null;
  return source.endsWith(".wasm") ? "(the embedded WebAssembly)" : content;
}

/**
 * A second minifier saves another 3 % of an ES module. It would remove the list of names that Node reads in CommonJS. It
 * moves no function into another one: that would keep what the other one's scope holds.
 */
async function minified({ code, map }) {
  const result = await minify(code, {
    module: true,
    ecma: 2022,
    compress: {
      passes: 3,
      unsafe_arrows: true,
      unsafe_methods: true,
      reduce_funcs: false,
      inline: 1,
      lhs_constants: false, // `kind === 1` is more like the rest than `1 === kind`
    },
    sourceMap: { content: map, asObject: true },
  });
  const contentOf = (source) => map.sourcesContent[map.sources.indexOf(source)];
  return { code: result.code, map: { ...result.map, sourcesContent: result.map.sources.map(contentOf) } };
}

/** Writes a script and its source map. */
async function write(path, { code, map }, footer) {
  map.sourcesContent = map.sources.map((source, i) => mapped(source, map.sourcesContent[i]));
  await writeFile(path, `${code.trim()}\n${footer}//# sourceMappingURL=${basename(path)}.map\n`);
  await writeFile(`${path}.map`, JSON.stringify(map));
}

/**
 * The short names of what is internal. All scripts share them, so that an entry can use what another one has made: a
 * client's handle has the same members in each. The first entry gets the shortest names.
 */
let shortNames = {};

/** Bundles one entry as `dist/<name>.<extension>`. */
async function bundle({ name, source, connects }, extension, options) {
  const { outputFiles, mangleCache } = await build({
    entryPoints: { [name]: source },
    outdir: "dist",
    outExtension: { ".js": extension },
    plugins: [packedWasm, smallGlue],
    inject: ["src/text-coding.ts"],
    packages: "external",
    // Those of workerd, which resolves them itself.
    external: ["./seamline.wasm", "./seamline-plain.wasm"],
    bundle: true,
    minify: true,
    sourcemap: "external",
    write: false,
    target: "es2022",
    legalComments: "none",
    mangleProps: /^_[a-z]/, // what is internal is named so
    mangleCache: shortNames,
    ...options,
  });
  shortNames = mangleCache;
  const [map, script] = [".map", extension].map((end) => outputFiles.find(({ path }) => path.endsWith(end)));
  const bundled = { code: script.text, map: JSON.parse(map.text) };
  // What is declared has a short name.
  if (/\bdecodeText\b/.test(bundled.code)) throw new Error(`${name}: the wasm has texts, but their decoder is removed`);
  const isModule = options.format === "esm";
  await write(script.path, isModule ? await minified(bundled) : bundled, connects ? `${IMPORT_BESIDE}\n` : "");
}

/** Bundles the entries: as ES modules and, except for those of workerd, as CommonJS. */
export async function buildScripts(entries) {
  for (const entry of entries) {
    await bundle(entry, ".js", { format: "esm" });
    // With `platform: "node"`, esbuild adds what shows Node the names that the module exports.
    if (!entry.workerd) await bundle(entry, ".cjs", { format: "cjs", platform: "node" });
  }
}
