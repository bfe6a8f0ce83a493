/**
 * A random name of 32 digits. `crypto.randomUUID` is missing on pages that are not secure; `getRandomValues` is not.
 */
export function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, "0")).join("");
}
