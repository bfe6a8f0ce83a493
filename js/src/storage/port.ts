import type { ErrorCode } from "../codes.js";
import type { SeamlineError } from "../error.js";
import type { Status } from "../status.js";

/** What an outbox needs from its client. */
export interface Port {
  readonly _status: Status;
  /** How many publications the client may have unanswered. */
  readonly _clientMax: number;
  _error(code: ErrorCode, message: string, cause?: unknown): SeamlineError;
}
