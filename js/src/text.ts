/** The size of a text as UTF-8. Most are printable ASCII, which nothing has to encode. */
export function bytes(text: string): number {
  return /[^ -~]/.test(text) ? new TextEncoder().encode(text).length : text.length;
}

/**
 * Whether this is a well-formed string: one that UTF-8 can encode. A lone surrogate would become U+FFFD on its way to
 * the server, so two texts that differ only there would be the same.
 */
export function isText(value: unknown): value is string {
  return typeof value === "string" && !/\p{Surrogate}/u.test(value);
}

/** Whether this is a name or key of a length that the server accepts. */
export function isName(value: unknown): value is string {
  return isText(value) && value !== "" && bytes(value) <= 200;
}

/** A channel name that is well-formed and not too long; nothing, which the wasm refuses, if it breaks another rule. */
export function allowed(name: string): string | undefined {
  const isBad = / $|^ /.test(name) || [...name].some((character) => character < " " || character === "\x7f");
  return isBad ? undefined : name;
}
