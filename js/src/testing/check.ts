import { invalid, unknown } from "../error.js";
import { isText } from "../text.js";

/** What a value must be, and how to check that. */
type Rule = readonly [expected: string, check: (value: unknown) => boolean];

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const TEXT: Rule = ["a non-empty string", (value) => isText(value) && value !== ""];
const MS: Rule = ["a whole number of milliseconds, 0 or more", isCount];

export const SERVER_OPTIONS: Record<string, Rule> = {
  authenticate: ["a function", (value) => typeof value === "function"],
  heartbeatMs: ["a whole number of milliseconds, 1 or more", (value) => isCount(value) && value !== 0],
  maxFrameBytes: ["a whole number of bytes, 1 or more", (value) => isCount(value) && value !== 0],
};

const ERROR_OPTIONS: Record<string, Rule> = { code: TEXT, message: TEXT, retryAfterMs: MS, channel: TEXT };
const TIMES: Rule = ["a number, 1 or more", (value) => typeof value === "number" && value >= 1];

export const DISCONNECT_OPTIONS: Record<string, Rule> = {
  clientId: TEXT,
  code: ["a close code, from 1000 to 4999", (value) => isCount(value) && Number(value) >= 1000 && Number(value) < 5000],
  reason: ["a well-formed string", isText],
};

/** Throws an error that names the option, if one is misspelled or has the wrong type. `of` names what it belongs to. */
export function checkOptions(of: string, options: object, rules: Record<string, Rule>): void {
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) && rules[name];
    if (!rule) throw unknown("bad_option", `option of ${of}`, name, Object.keys(rules));
    const [expected, check] = rule;
    if (value !== undefined && !check(value)) {
      throw invalid("bad_option", `option of ${of} "${name}"`, value, `pass ${expected}`);
    }
  }
}

/** The kinds of requests that can be refused. */
const REQUESTS = ["connect", "subscribe", "publish", "cast", "read"];

export function checkRefusal(request: string, refusal: object): void {
  if (!REQUESTS.includes(request)) throw unknown("bad_option", "request", request, REQUESTS);
  checkRequired("refuse", refusal, { ...ERROR_OPTIONS, times: TIMES });
}

export function checkError(error: object): void {
  checkRequired("sendError", error, ERROR_OPTIONS);
}

export function checkDrain(reconnectInMs: unknown): void {
  checkOptions("drain", { reconnectInMs }, { reconnectInMs: MS });
}

function checkRequired(of: string, options: { code?: unknown }, rules: Record<string, Rule>): void {
  checkOptions(of, options, rules);
  if (options.code === undefined) throw invalid("bad_option", `option of ${of} "code"`, undefined, `pass ${TEXT[0]}`);
}
