// The types, as the compilers of applications read them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const BUNDLER = { module: "esnext", moduleResolution: "bundler" };
const NODENEXT = { module: "nodenext", moduleResolution: "nodenext" };
const NODE16 = { module: "node16", moduleResolution: "node16" };
const DOM = { lib: ["es2023", "dom", "dom.iterable"] };

/** Compiles a project of these files, which has the package installed; returns what the compiler prints. */
async function compile(files, options) {
  const project = await mkdtemp(join(tmpdir(), "seamline-types-"));
  try {
    await mkdir(join(project, "node_modules"));
    await symlink(at(".."), join(project, "node_modules/seamline"));
    for (const name of ["@types", "dexie", "idb", "solid-js", "valibot", "vue", "zod"]) {
      await symlink(at(`../node_modules/${name}`), join(project, "node_modules", name));
    }
    await writeFile(join(project, "package.json"), '{"type":"module"}');
    const compilerOptions = {
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      target: "es2022",
      types: [],
      skipLibCheck: false, // the package's declarations are checked, too
      ...options,
    };
    await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*"] }));
    for (const [name, text] of Object.entries(files)) {
      if (text) await writeFile(join(project, name), text);
      else await copyFile(at(`types/${name}`), join(project, name));
    }
    return await new Promise((resolve) => {
      execFile(at("../node_modules/.bin/tsc"), ["-p", project], (_, out, err) => resolve(out + err));
    });
  } finally {
    await rm(project, { recursive: true });
  }
}

for (const [name, modules] of Object.entries({ bundler: BUNDLER, nodenext: NODENEXT, node16: NODE16 })) {
  test(`applications compile with the module resolution ${name}`, async () => {
    const files = {
      "consumer.ts": null,
      "frameworks.ts": null,
      "history.ts": null,
      "schemas.ts": null,
      "state.ts": null,
      "storage.ts": null,
      "tabs.ts": null,
      "effects.ts": null,
      "testing.ts": null,
    };
    assert.equal(await compile(files, { ...modules, ...DOM }), "");
  });

  test(`applications compile without the DOM and with ${name}`, async () => {
    assert.equal(await compile({ "no-dom.ts": null }, { ...modules, lib: ["es2022"] }), "");
  });
}

for (const [name, modules] of Object.entries({ nodenext: NODENEXT, node16: NODE16 })) {
  test(`applications in CommonJS compile with ${name}`, async () => {
    assert.equal(await compile({ "require.cts": null }, { ...modules, lib: ["es2022"] }), "");
  });
}

test("applications may use `using`", async () => {
  assert.equal(await compile({ "using.ts": null }, { ...BUNDLER, lib: ["es2022", "esnext.disposable"] }), "");
});

test("the compiler suggests the name of a misspelt option", async () => {
  const text = 'import { connect } from "seamline";\nconnect("ws://x/", { clientID: "tab" });\n';
  const said = await compile({ "a.ts": text }, BUNDLER);
  assert.match(said, /a\.ts\(2,22\).*'clientID' does not exist in type 'Options'/s);
  assert.match(said, /clientId/);
});

test("every optional property may be undefined", async () => {
  const types = at("../dist/types/");
  let count = 0;
  for (const file of (await readdir(types, { recursive: true })).filter((name) => name.endsWith(".d.ts"))) {
    const text = (await readFile(join(types, file), "utf8")).replaceAll(/\/\*.*?\*\//gs, "");
    for (const [declared] of text.matchAll(/^ +(?:readonly )?\w+\?: [^;{]*(?:\{[^}]*\}[^;]*)?;/gm)) {
      assert.match(declared, /[|:] undefined;$/, `in ${file}`);
      count++;
    }
  }
  assert.ok(count > 30);
});
