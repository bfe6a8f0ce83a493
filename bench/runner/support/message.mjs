/** The size of a message's JSON, in bytes. */
export const MESSAGE_BYTES = 270;

/** The payload of a message, as JSON. */
export function payload(n, bytes = MESSAGE_BYTES) {
  const start = `{"n":${n},"text":"`;
  return `${start}${"x".repeat(bytes - start.length - 2)}"}`;
}
