import { invalid } from "../error.js";
import { isText } from "../text.js";
import { type Refusal, refusal } from "./refusal.js";
import type { TestServerOptions, TestUser } from "./types.js";

/** Who a token belongs to, or why it is rejected. */
export function authenticate(token: string | undefined, check: TestServerOptions["authenticate"]): TestUser | Refusal {
  const result = check ? check(token) : "anonymous";
  if (result === false || result === null || result === undefined) {
    return refusal("unauthorized", `the token is ${token === undefined ? "missing" : "invalid"}`);
  }
  const { user, read, write }: TestUser = typeof result === "string" ? { user: result } : result;
  const isUser =
    isText(user) && user !== "" && [read, write].every((list) => list === undefined || Array.isArray(list));
  if (isUser) return { user, read, write };
  throw invalid("bad_option", "result of authenticate", result, "return a name, { user, read, write }, or false");
}

/** Why a user may not read or write a channel. */
export function checkGrant(user: TestUser, access: "read" | "write", ch: string): Refusal | undefined {
  return grants(user, access, ch) ? undefined : notGranted("the token", access, ch);
}

/** The refusal of what a fresh token no longer grants. The client subscribes again and is then refused for good. */
export const noLongerGranted = (ch: string): Refusal => notGranted("the new token", "read", ch, 1000);

const notGranted = (token: string, access: string, ch: string, retryAfterMs?: number) =>
  refusal("forbidden", `${token} does not grant ${access} access to \`${ch}\``, retryAfterMs);

export function grants(user: TestUser, access: "read" | "write", ch: string): boolean {
  return user[access]?.some((pattern) => matches(pattern, ch)) ?? true;
}

/** `*` matches any run of characters. */
function matches(pattern: string, text: string): boolean {
  const [first = "", ...others] = pattern.split("*");
  if (others.length === 0) return text === first;
  const last = others.pop()!;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const part of others) {
    const found = text.indexOf(part, from);
    if (found === -1) return false;
    from = found + part.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}
