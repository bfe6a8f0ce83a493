/** What `using` calls, where the compiler's `lib` has it. */
export type Disposes = SymbolConstructor extends { readonly dispose: infer K extends symbol }
  ? { [P in K]: () => void }
  : Record<never, never>;

/** What `await using` calls, where the compiler's `lib` has it. */
export type DisposesAsync = SymbolConstructor extends { readonly asyncDispose: infer K extends symbol }
  ? { [P in K]: () => Promise<void> }
  : Record<never, never>;

/** The symbols or, where the engine has none, those that compilers of `using` look for in their place. @internal */
export const { dispose = Symbol.for("Symbol.dispose"), asyncDispose = Symbol.for("Symbol.asyncDispose") } = Symbol;
