import { HIDDEN, invalid } from "./error.js";
import { isText } from "./text.js";
import type { Options } from "./types.js";

/** Gets a token from the application. An empty one stands for none. */
export async function fetchToken(token: Options["token"], refresh: boolean): Promise<string> {
  const answer = (typeof token === "function" ? await token({ refresh }) : token) ?? "";
  if (!isText(answer)) throw invalid("bad_token", "token", HIDDEN, "return a well-formed string or null");
  return answer;
}
