/**
 * A random name of 32 digits. `crypto.randomUUID` is missing on pages that are not secure; `getRandomValues` is not.
 */
export function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
