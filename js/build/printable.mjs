/**
 * The characters that stand for bits: all from `%` to `~`, backwards, without `\`, which a string has to escape. Nor is
 * `$` among them, so a tool may inline the script with `replace()`, which reads `$&`. 39 of them stand for six bits and
 * 50 for seven, so that each six bits have a character or are the start of two.
 */
const DIGITS = Array.from({ length: 90 }, (_, i) => String.fromCharCode(126 - i)).filter((digit) => digit !== "\\");
const SIX_BITS = 2 ** 7 - DIGITS.length;

/**
 * Bytes as text; `src/unpack.ts` reverses that. Compressed bytes become characters as frequent as these are long, so
 * the text loses nothing to gzip, and it is 7 % shorter than base64: gzip uses one code for some 16,000 characters, and
 * what follows shares one with the script.
 */
export function toPrintable(bytes) {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const read = (at, length) => Number.parseInt(bits.slice(at, at + length).padEnd(length, "0"), 2);
  let text = "";
  for (let at = 0; at < bits.length; ) {
    const isShort = read(at, 6) < SIX_BITS;
    text += DIGITS[isShort ? read(at, 6) : read(at, 7) - SIX_BITS];
    at += isShort ? 6 : 7;
  }
  return text;
}
