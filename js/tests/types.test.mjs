// The types, as the strict compiler of an application reads them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Compiles a file in a project that has the package installed; what the compiler says. */
async function compile(write, moduleOptions) {
  const project = await mkdtemp(join(tmpdir(), "seamline-types-"));
  try {
    await mkdir(join(project, "node_modules"));
    await symlink(at(".."), join(project, "node_modules/seamline"));
    for (const name of ["@types", "solid-js", "vue"]) {
      await symlink(at(`../node_modules/${name}`), join(project, "node_modules", name));
    }
    await writeFile(join(project, "package.json"), '{"type":"module"}');
    const compilerOptions = {
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      target: "es2022",
      lib: ["es2023", "dom", "dom.iterable"],
      types: [],
      ...moduleOptions,
    };
    await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    await write(project);
    return await new Promise((resolve) => {
      execFile(at("../node_modules/.bin/tsc"), ["-p", project], (_, out, err) => resolve(out + err));
    });
  } finally {
    await rm(project, { recursive: true });
  }
}

const consumer = async (project) => {
  for (const name of ["consumer.ts", "frameworks.ts", "testing.ts"])
    await copyFile(at(`types/${name}`), join(project, name));
};

for (const [name, options] of [
  ["a bundler", { module: "esnext", moduleResolution: "bundler" }],
  ["Node", { module: "nodenext", moduleResolution: "nodenext" }],
]) {
  test(`applications compile with the module resolution of ${name}`, async () => {
    assert.equal(await compile(consumer, options), "");
  });
}

test("the compiler suggests the name of a misspelt option", async () => {
  const text = 'import { connect } from "seamline";\nconnect("ws://x/", { clientID: "tab" });\n';
  const said = await compile((project) => writeFile(join(project, "a.ts"), text), {
    module: "esnext",
    moduleResolution: "bundler",
  });
  assert.match(said, /a\.ts\(2,22\).*'clientID' does not exist in type 'Options'/s);
  assert.match(said, /clientId/);
});
