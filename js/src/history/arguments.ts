import { invalid, unknown } from "../error.js";
import type { AbortSignalLike } from "../types.js";
import { VERSION } from "../version.js";

/** By name: what the option must be, and how to check that. */
const OPTIONS = new Map<string, readonly [expected: string, check: (value: never) => boolean]>([
  ["limit", ["a whole number from 1 to 10,000", isFrom(1, 10_000)]],
  ["before", ["a whole number, 0 or more", isFrom(0, Number.MAX_SAFE_INTEGER)]],
  ["signal", ["the signal of an AbortController", isSignal]],
]);

/** Throws an error that names the argument, if one cannot be used. */
export function checkArguments(channel: unknown, options: object): void {
  checkChannel(channel);
  if (typeof options !== "object" || !options) {
    throw invalid("bad_option", "options of history", options, "pass an object");
  }
  for (const [name, value] of Object.entries(options)) {
    const [expected, check] = OPTIONS.get(name) ?? [];
    if (!check) throw unknown("bad_option", "option of history", name, [...OPTIONS.keys()]);
    const isValid = value === undefined || check(value as never);
    if (!isValid) throw invalid("bad_option", `option of history "${name}"`, value, `pass ${expected}`);
  }
}

/** This entry reads what is internal to the client. In another version, that has other names. */
function checkChannel(channel: unknown): void {
  const { seamline } = (channel ?? {}) as { readonly seamline?: unknown };
  if (seamline === VERSION) return;
  if (typeof seamline !== "string") {
    throw invalid("bad_option", "channel of history", channel, "pass what client.channel() returns");
  }
  throw new TypeError(
    `history: invalid channel: from seamline ${seamline}; use one version of all scripts: this one is from ${VERSION}`,
  );
}

function isSignal(value: Partial<AbortSignalLike> | null): boolean {
  return typeof value?.addEventListener === "function";
}

function isFrom(least: number, most: number): (value: number) => boolean {
  return (value) => Number.isSafeInteger(value) && value >= least && value <= most;
}
