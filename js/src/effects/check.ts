import { invalid, unknown } from "../error.js";
import { type DatabaseOptions, LISTENER_TIMEOUT_MS } from "./types.js";

/** Throws an error that names the argument, if it has none of these methods. */
export function checkMethods(of: string, value: unknown, ...names: string[]): void {
  for (const name of names) {
    const method = (value as Record<string, unknown> | null | undefined)?.[name];
    if (typeof method !== "function") throw invalid("bad_option", `${of}: its method "${name}"`, method, `pass ${of}`);
  }
}

/** The same for options: each has a known name, and the value is a text, if it is one. */
export function checkOptions(of: string, options: object, texts: readonly string[], others: readonly string[] = []) {
  if (typeof options !== "object" || !options)
    throw invalid("bad_option", `options of ${of}`, options, "pass an object");
  const known = [...texts, ...others];
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw unknown("bad_option", `option of ${of}`, name, known);
    const isBad = texts.includes(name) && value !== undefined && (typeof value !== "string" || value === "");
    if (isBad) throw invalid("bad_option", `option of ${of} "${name}"`, value, "pass a string that is not empty");
  }
}

/** The options of an adapter for a database, and the names of the object stores or tables. */
export function databaseOptions(of: string, stores: readonly string[], options: DatabaseOptions) {
  const areNames = Array.isArray(stores) && stores.every((name) => typeof name === "string" && name !== "");
  if (!areNames) throw invalid("bad_option", `names of object stores of ${of}`, stores, 'pass a list such as ["rows"]');
  checkOptions(of, options, ["positions", "key"], ["listenerTimeoutMs"]);
  const { positions = "positions", key, listenerTimeoutMs = LISTENER_TIMEOUT_MS } = options;
  if (!Number.isSafeInteger(listenerTimeoutMs) || listenerTimeoutMs <= 0) {
    const advice = "pass a whole number of milliseconds, 1 or more";
    throw invalid("bad_option", `option of ${of} "listenerTimeoutMs"`, listenerTimeoutMs, advice);
  }
  return { names: [...stores, positions], positions, key, listenerTimeoutMs };
}
