import { SeamlineError, text } from "./error.js";
import { guard } from "./guard.js";
import type { StandardIssue, StandardResult, StandardSchema } from "./standard-schema.js";
import type { Message } from "./types.js";

/**
 * Replaces a message's payload with the schema's output, or sets `_error`. Returns a promise if the schema is
 * asynchronous. Whatever the schema throws or returns, this does not throw.
 */
export function validate<T>(
  schema: StandardSchema<unknown, T>,
  channel: string,
  item: { _message: Message<T>; _error?: unknown },
): Promise<unknown> | void {
  const message = item._message;
  const invalid = (cause: unknown, why: string) => {
    const what = `message ${message.id} of channel "${channel}" has invalid data`;
    const advice = "correct the publisher or the schema of `validate`";
    item._error = new SeamlineError("invalid_data", `${what}: ${why}; ${advice}`, { cause });
  };
  const failed = (error: unknown) => invalid(error, `the schema failed: ${text(error)}`);
  const done = (result: StandardResult<T>) => {
    if (result.issues) invalid(result.issues, result.issues.map(describe).join(", "));
    else if ("value" in result) message.data = result.value;
    else invalid(result, "the schema returned neither a value nor issues");
  };
  return guard(() => {
    const result = schema["~standard"].validate(message.data);
    // Some promises are not the platform's, and return nothing from `then`.
    return "then" in result ? Promise.resolve(result).then(done) : done(result);
  }, failed);
}

/** An issue, as in `author.name: Expected string`. */
function describe({ path = [], message }: StandardIssue): string {
  const place = path.map((step) => text(typeof step === "object" ? step.key : step)).join(".");
  return place ? `${place}: ${message}` : message;
}
