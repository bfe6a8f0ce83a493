/** Embedded by the build; see `unpack`. */
declare module "*_bg.wasm" {
  const packed: [text: string];
  export default packed;
}

/** Beside the script, imported as it is. */
declare module "*/seamline.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "*/seamline-plain.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
