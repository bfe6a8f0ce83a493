import { bytes } from "../text.js";
import { BYTES_MAX, MESSAGES_MAX } from "./feed.js";
import { write } from "./frames.js";
import type { Log, LogMessage } from "./log.js";

/** The answer to `read`: the newest messages before an offset, as many as a frame may have. */
export function page(ch: string, ref: number, log: Log, before = log.head + 1, limit = MESSAGES_MAX): string {
  const { epoch, first, head } = log;
  const run: LogMessage[] = [];
  let size = 0;
  for (const message of log.before(before, Math.min(limit, MESSAGES_MAX)).reverse()) {
    size += bytes(message.json);
    if (run.length > 0 && size > BYTES_MAX) break;
    run.unshift(message);
  }
  const fields = { ref, ch, epoch, first, head, n: run[0]?.offset ?? 0, ids: run.map(({ id }) => id) };
  return `${write("page", fields).slice(0, -1)},"data":[${run.map(({ json }) => json).join(",")}]}`;
}
