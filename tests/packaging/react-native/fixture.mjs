export default {
  group: "Runtimes",
  name: "React Native",
  rows: [{ name: "Hermes", kind: "unsupported", because: "its engine, Hermes, has no WebAssembly" }],
};
