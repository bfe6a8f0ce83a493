// Strict, with `exactOptionalPropertyTypes`, and the declarations of the packages are checked (`skipLibCheck` is off).
const row = (name, project) => ({ name, kind: "compile", run: `tsc -p ${project}.json` });

export default {
  group: "TypeScript",
  name: "TypeScript",
  tools: ["typescript"],
  versions: { package: "typescript", list: ["5.0.4", "5.2.2", "5.4.5", "5.9.3", "6.0.3", "7.0.2"] },
  rows: [
    row("bundler, React", "bundler"),
    row("nodenext, ES and CommonJS", "nodenext"),
    row("node16, ES and CommonJS", "node16"),
    row("without the DOM", "no-dom"),
  ],
};
