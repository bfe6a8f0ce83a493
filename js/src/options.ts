import type { Dialect } from "./dialect.js";
import { HIDDEN, invalid, SeamlineError, unknown } from "./error.js";
import type { Shared } from "./shared.js";
import type { StandardSchema } from "./standard-schema.js";
import { isName, isText } from "./text.js";
import type { AnyOptions, Transaction } from "./transaction.js";
import type { ClientStorage, CloseOptions, ListenerOptions, Options, PublishOptions } from "./types.js";
import { VERSION } from "./version.js";

type Check = (value: unknown, options?: Options) => boolean;

const isFunction: Check = (value) => typeof value === "function";
const isObject: Check = (value) => typeof value === "object" && value !== null;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

/** By name: what a value must be, how to check that, and the options inside it. */
interface Table {
  [name: string]: readonly [expected: string, check: Check, inside?: Table];
}

const NAME = ["a well-formed string of 1 to 200 bytes", isName] as const;
const TEXT = ["a well-formed string", isText] as const;
const COUNT = ["a whole number, 0 or more", isCount] as const;
/** Engines store a timer's delay as a signed 32-bit integer. A longer delay fires at once. */
const MS_MAX = 2 ** 31 - 1;
const MS = [
  `a whole number of milliseconds, at most ${MS_MAX}`,
  (value: unknown) => isCount(value) && (value as number) <= MS_MAX,
] as const;

// The wasm reads the values of these three tables by their place, one table after the other.

const BACKOFF: Table = { initialMs: MS, maxMs: MS };

const NUMBERS: Table = {
  connectTimeoutMs: MS,
  tokenTimeoutMs: MS,
  heartbeatMs: MS,
  pongTimeoutMs: MS,
  probeTimeoutMs: MS,
  stableMs: MS,
  ackIntervalMs: MS,
  replayCredit: COUNT,
  queueMessages: COUNT,
  queueBytes: COUNT,
  outboxMessages: COUNT,
};

/** An adapter of another script of the package. */
const OPENS = [
  "an adapter of seamline/effects",
  (value: unknown) => isFunction((value as Partial<Transaction> | null)?._attach),
] as const;

const PLAIN: Table = {
  settleMs: MS,
  windowMessages: COUNT,
  silenceMs: MS,
  idPath: TEXT,
  numberPath: ["a well-formed string or false", (value) => value === false || isText(value)],
};

const OPTIONS: Table = {
  token: ["a well-formed string or a function", (value) => isText(value) || isFunction(value)],
  clientId: NAME,
  backoff: ["an object", isObject, BACKOFF],
  dialect: ['"seamline", or `plain` of "seamline/plain"', isDialect],
  plain: [
    "an object, with dialect: plain",
    (value, { dialect = "seamline" } = {}) => isObject(value) && dialect !== "seamline",
    PLAIN,
  ],
  ...NUMBERS,
  storage: ["a storage", (value) => isFunction((value as ClientStorage | null)?.attach)],
  wasm: ["a URL, a Response, bytes or a module", (value) => isText(value) || isObject(value)],
  WebSocket: ["a constructor", isFunction],
  logger: ["an object like console", isObject],
  shared: ["tabs()", (value) => isFunction((value as Shared | null)?._join)],
  positions: OPENS,
};

const REDELIVER: Table = {
  attempts: ["a whole number, 1 or more", (value) => isCount(value) && value !== 0],
  delayMs: MS,
};

const CHANNEL_OPTIONS: Table = {
  from: ['"start", "tail", a position { epoch, offset, id } or state() of seamline/state', isFrom],
  redeliver: ["an object", isObject, REDELIVER],
  transaction: OPENS,
  validate: ["a schema that implements Standard Schema v1", isSchema],
};

/** By its methods: polyfills and other windows have classes of their own. */
function isSignal(value: unknown): boolean {
  return isObject(value) && isFunction((value as AbortSignal).addEventListener) && "aborted" in (value as AbortSignal);
}

/** ArkType's are functions. */
function isSchema(value: unknown): boolean {
  return isFunction((value as Partial<StandardSchema> | null)?.["~standard"]?.validate);
}

function isFrom(value: unknown): boolean {
  if (value === "start" || value === "tail") return true;
  if (!isObject(value)) return false;
  const { epoch, offset, id, _attach } = value as Record<string, unknown>;
  return isFunction(_attach) || (isName(epoch) && isCount(offset) && (id === undefined || isText(id)));
}

function isDialect(value: unknown): boolean {
  return value === "seamline" || value === "plain" || isFunction((value as Dialect | null | undefined)?.start);
}

/** `of` names what the options belong to, in the errors. */
function check(of: string, options: object, table: Table): void {
  if (!isObject(options)) throw invalid("bad_option", `options${of}`, options, "pass an object");
  for (const [name, value] of Object.entries(options)) {
    const entry = Object.hasOwn(table, name) && table[name];
    if (!entry) throw unknown("bad_option", `option${of}`, name, Object.keys(table));
    // Another script of the package may have made it, of whatever version: then it has a check of its own.
    (value as Partial<Dialect> | undefined)?.seamline?.(VERSION, SeamlineError);
    if (value !== undefined && !entry[1](value, options)) {
      throw invalid("bad_option", `option${of} "${name}"`, name === "token" ? HIDDEN : value, `pass ${entry[0]}`);
    }
    if (value && entry[2]) check(` of ${name}`, value, entry[2]);
  }
}

/** Throws an error that names the option, if one is misspelled or has the wrong type. */
export function checkOptions(options: Options): void {
  check("", options, OPTIONS);
}

/** The same for the options of a publication. */
export function checkPublishOptions(options: PublishOptions): void {
  check(" of publish", options, { key: TEXT });
}

/** The same for `close()`. */
export function checkCloseOptions(options: CloseOptions): void {
  check(" of close", options, { flushMs: MS });
}

/** The same for `on()` and `once()`. */
export function checkListenerOptions(options: ListenerOptions): void {
  check(" of a listener", options, { signal: ["the signal of an AbortController", isSignal] });
}

/** The same for a channel's options. */
export function checkChannelOptions(options: AnyOptions): void {
  check(" of channel", options, CHANNEL_OPTIONS);
}

/** The wasm checks this too; here the caller's stack still shows where the name comes from. */
export function checkChannelName(name: unknown): void {
  if (!isName(name)) throw invalid("bad_channel", "channel name", name, `pass ${NAME[0]}`);
}

/** The options that the wasm reads, in its order. What is not set has the wasm's default. */
export function settings({ backoff = {}, plain = {}, ...options }: Options): unknown[] {
  const values = (given: object, table: Table) => Object.keys(table).map((name) => given[name as keyof typeof given]);
  return [...values(backoff, BACKOFF), ...values(options, NUMBERS), ...values(plain, PLAIN)];
}
