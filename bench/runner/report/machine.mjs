// What a run ran on.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";

export function machine() {
  const [{ model }] = cpus();
  return `${cpus().length} cores (${model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB, ${type()} ${release()}`;
}

/** The versions of what npm has installed, and of the programs. */
export function versions(peers, nats) {
  const { dependencies } = JSON.parse(readFileSync(join(peers, "package.json"), "utf8"));
  const packages = Object.keys(dependencies).map((name) => {
    const manifest = join(peers, "node_modules", name, "package.json");
    return `${name} ${JSON.parse(readFileSync(manifest, "utf8")).version}`;
  });
  const programs = [
    ["NATS", nats, ["--version"]],
    ["mosquitto", "mosquitto", ["-h"]],
    ["Redis", "redis-server", ["--version"]],
  ];
  return [...packages, ...programs.map(([name, program, args]) => `${name} ${version(program, args)}`)];
}

/** Some exit with an error after they have printed their help. */
function version(program, args) {
  let output;
  try {
    output = execFileSync(program, args, { encoding: "utf8" });
  } catch ({ stdout }) {
    output = stdout ?? "";
  }
  return /\d+\.\d+\.\d+/.exec(output)?.[0] ?? "of an unknown version";
}
