// Jest's documentation has this flag for ES modules.
const env = { NODE_OPTIONS: "--experimental-vm-modules" };

export default {
  group: "Test runners",
  name: "Jest",
  tools: ["jest"],
  rows: [
    { name: "CommonJS", kind: "process", run: "jest cjs" },
    { name: "CommonJS, jsdom", kind: "process", run: "jest cjs --env jsdom" },
    { name: "seamline/testing", kind: "compile", run: "jest fake-timers" },
    { name: "seamline/testing, jsdom", kind: "compile", run: "jest fake-timers --env jsdom" },
    { name: "ES modules", kind: "process", run: "jest esm", env },
    { name: "ES modules, jsdom", kind: "process", run: "jest esm --env jsdom", env },
  ],
};
