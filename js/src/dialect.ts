import type { CreateEngine } from "./boundary.js";
import type { Options } from "./types.js";
import type { CheckVersion } from "./version.js";

/** The WebAssembly, in any form that it can be compiled from. */
export type Wasm = NonNullable<Options["wasm"]>;

/**
 * A protocol that clients can speak, such as `plain` of `seamline/plain`. It passes from one script to another, so the
 * build does not shorten its names.
 */
export interface Dialect {
  readonly name: string;
  /** Throws if the client is of another version of the package. @internal */
  readonly seamline?: CheckVersion;
  /** Its WebAssembly, if the entry has it. @internal */
  source?(): Wasm;
  /** Instantiates its WebAssembly. @internal */
  start(module: WebAssembly.Module): CreateEngine;
}
