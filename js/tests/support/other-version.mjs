// Another version of the package, built from a changed copy of its sources.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ENTRIES } from "../../build/entries.mjs";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));

/** What the version is. */
export const OTHER = "99.0.0";

/** What a later version may change, by file: its name, the layout of the database, and what tabs say to each other. */
const CHANGES = {
  "src/version.ts": [/(VERSION = )"[^"]+"/, `$1"${OTHER}"`],
  "src/storage/indexed-db.ts": [/(\bVERSION = )1\b/, "$12"],
  "src/tabs/messages.ts": [/(\bVERSION = )1\b/, "$12"],
};

/**
 * Builds the other version's ES modules of these entries. Returns their folder, and a function that removes it. The short
 * names of what is internal differ, because the entries are built in the opposite order.
 */
export function otherVersion(names) {
  const folder = mkdtempSync(join(tmpdir(), "seamline-other-"));
  cpSync(join(PACKAGE, "src"), join(folder, "src"), { recursive: true });
  for (const name of ["pkg", "pkg-plain"]) symlinkSync(join(PACKAGE, name), join(folder, name));
  mkdirSync(join(folder, "dist"));
  for (const [file, [from, to]] of Object.entries(CHANGES)) {
    const text = readFileSync(join(folder, file), "utf8");
    if (!from.test(text)) throw new Error(`${file} has no ${from}: change tests/support/other-version.mjs`);
    writeFileSync(join(folder, file), text.replace(from, to));
  }
  // Those for workerd are built as ES modules only.
  const entries = ENTRIES.filter(({ name }) => names.includes(name)).reverse();
  const modules = JSON.stringify(entries.map((entry) => ({ ...entry, workerd: true })));
  const scripts = pathToFileURL(join(PACKAGE, "build/scripts.mjs"));
  const program = `import { buildScripts } from "${scripts}"; await buildScripts(${modules});`;
  execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: folder, stdio: "pipe" });
  return { dist: join(folder, "dist"), remove: () => rmSync(folder, { recursive: true }) };
}
