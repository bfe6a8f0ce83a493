import { HIDDEN, invalid, text } from "./error.js";
import { follow } from "./follow.js";
import { isText } from "./text.js";
import type { Options } from "./types.js";

/** Gets a token from the application; an empty one stands for none. The returned function stops waiting for it. */
export function fetchToken(
  token: Options["token"],
  refresh: boolean,
  done: (token: string) => void,
  failed: (message: string) => void,
): () => void {
  const answer = new Promise<unknown>((resolve) => resolve(typeof token === "function" ? token({ refresh }) : token));
  return follow(
    answer,
    (given) => {
      const answer = given ?? "";
      if (!isText(answer)) throw invalid("bad_token", "token", HIDDEN, "return a well-formed string or null");
      done(answer);
    },
    (error) => failed(`the token function failed: ${text(error)}`),
  );
}
