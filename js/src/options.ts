import { HIDDEN, invalid, SeamlineError } from "./error.js";
import { bytes, checkText } from "./text.js";
import type { ChannelOptions, CloseOptions, Options, Position } from "./types.js";

type Check = (value: unknown, options?: Options) => boolean;

const isFunction: Check = (value) => typeof value === "function";
const isString: Check = (value) => typeof value === "string";
const isObject: Check = (value) => typeof value === "object" && value !== null;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isName: Check = (value) => isString(value) && value !== "" && bytes(value as string) <= 200;

/** A name, what its value must be, and how to check that. */
type Table = Record<string, readonly [expected: string, check: Check]>;

const NAME = ["a string of 1 to 200 bytes", isName] as const;
const COUNT = ["a whole number, 0 or more", isCount] as const;
/** Engines store a timer's delay as a signed 32-bit integer. A longer delay fires at once. */
const MS_MAX = 2 ** 31 - 1;
const MS = [
  `a whole number of milliseconds, at most ${MS_MAX}`,
  (value: unknown) => isCount(value) && (value as number) <= MS_MAX,
] as const;

const BACKOFF: Table = { initialMs: MS, maxMs: MS };

/** The numbers, in the order in which the wasm reads them. */
const NUMBERS = {
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
} satisfies Table;

const OPTIONS: Table = {
  token: ["a string or a function", (value) => isString(value) || isFunction(value)],
  clientId: NAME,
  backoff: ["an object", isObject],
  dialect: ['"seamline" or "plain"', (value) => value === "seamline" || value === "plain"],
  plain: [
    'an object, together with dialect: "plain"',
    (value, options) => isObject(value) && options?.dialect === "plain",
  ],
  ...NUMBERS,
  wasm: ["a URL, a Response, bytes or a WebAssembly.Module", (value) => isString(value) || isObject(value)],
  WebSocket: ["a constructor", isFunction],
  logger: ["an object such as console", isObject],
};

const PLAIN: Table = {
  idPath: ["a string", isString],
  numberPath: ["a string or false", (value) => value === false || isString(value)],
  settleMs: MS,
  windowMessages: COUNT,
  silenceMs: MS,
};

const CHANNEL_OPTIONS: Table = {
  from: ['"start", "tail" or a position { epoch, offset, id }', isFrom],
  redeliver: ["an object", isObject],
};

const REDELIVER: Table = {
  attempts: ["a whole number, 1 or more", (value) => isCount(value) && value !== 0],
  delayMs: MS,
};

function isFrom(value: unknown): boolean {
  if (value === "start" || value === "tail") return true;
  if (!isObject(value)) return false;
  const { epoch, offset, id } = value as Record<string, unknown>;
  return isString(epoch) && isCount(offset) && (id === undefined || isString(id));
}

function check(what: string, options: object, table: Table): void {
  if (!isObject(options)) throw invalid("bad_option", what.replace("option", "options"), options, "pass an object");
  for (const [name, value] of Object.entries(options)) {
    const entry = Object.hasOwn(table, name) && table[name];
    if (!entry) {
      const names = Object.keys(table).join(", ");
      throw new SeamlineError("bad_option", `unknown ${what}: "${name}"; use one of ${names}`);
    }
    const shown = name === "token" ? HIDDEN : value;
    if (value !== undefined && !entry[1](value, options)) {
      throw invalid("bad_option", `${what} "${name}"`, shown, `pass ${entry[0]}`);
    }
    checkText("bad_option", `${what} "${name}"`, value, shown);
  }
}

/** Throws an error that names the option, if one is misspelled or has the wrong type. */
export function checkOptions(options: Options): void {
  check("option", options, OPTIONS);
  check("option of backoff", options.backoff ?? {}, BACKOFF);
  check("option of plain", options.plain ?? {}, PLAIN);
}

/** The same for the options of a publication. */
export function checkPublishOptions(options: object): void {
  check("option of publish", options, { key: ["a string", isString] });
}

/** The same for `close()`. */
export function checkCloseOptions(options: CloseOptions): void {
  check("option of close", options, { flushMs: MS });
}

/** The same for a channel's options. */
export function checkChannelOptions(options: ChannelOptions): void {
  check("option of channel", options, CHANNEL_OPTIONS);
  check("option of redeliver", options.redeliver ?? {}, REDELIVER);
  for (const field of ["epoch", "id"] as const) {
    checkText("bad_option", `${field} of "from"`, (options.from as Partial<Position> | undefined)?.[field]);
  }
}

/** The wasm checks this too; here the caller's stack still shows where the name comes from. */
export function checkChannelName(name: unknown): void {
  if (!isName(name)) throw invalid("bad_channel", "channel name", name, `pass ${NAME[0]}`);
  checkText("bad_channel", "channel name", name);
}

/** The numbers in the order in which the wasm reads them, and the plain dialect's settings; it has the defaults. */
export function numbers(options: Options): (number | string | false | undefined)[] {
  const { backoff = {}, plain = {} } = options;
  return [
    backoff.initialMs,
    backoff.maxMs,
    ...(Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]).map((name) => options[name]),
    plain.settleMs,
    plain.windowMessages,
    plain.silenceMs,
    plain.idPath,
    plain.numberPath,
  ];
}
