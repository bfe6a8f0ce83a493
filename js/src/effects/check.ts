import { invalid } from "../error.js";

/** Throws an error that names the argument, if it has none of these methods. */
export function checkMethods(of: string, value: unknown, ...names: string[]): void {
  for (const name of names) {
    const method = (value as Record<string, unknown> | null | undefined)?.[name];
    if (typeof method !== "function") throw invalid("bad_option", `${of}: its method "${name}"`, method, `pass ${of}`);
  }
}

/** The same for a text that may be missing. */
export function checkText(name: string, value: unknown): void {
  if (value !== undefined && (typeof value !== "string" || value === "")) {
    throw invalid("bad_option", `option "${name}"`, value, "pass a string");
  }
}

/** The same for a time. */
export function checkMs(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) <= 0) {
    throw invalid("bad_option", `option "${name}"`, value, "pass a whole number of milliseconds, 1 or more");
  }
}
