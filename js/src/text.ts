/** The size of a text as UTF-8. */
export function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * Whether this is a well-formed string: one that UTF-8 can encode. A lone surrogate would become U+FFFD on its way to
 * the server, so two texts that differ only there would be the same.
 */
export function isText(value: unknown): value is string {
  return typeof value === "string" && !/\p{Surrogate}/u.test(value);
}
