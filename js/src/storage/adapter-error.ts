import { SeamlineError, text } from "../error.js";

/** The error for a storage that cannot be used: why, and what to do. */
export function storageFailed(what: string, cause: unknown): SeamlineError {
  const { name, message } = (cause ?? {}) as Partial<Error>;
  const why = message ? `${name}: ${message}` : text(cause);
  return new SeamlineError("storage_failed", `${what}: ${why}; ${cure(name)}`, { cause });
}

/** By the name of the exception. */
function cure(name: string | undefined): string {
  switch (name) {
    case "QuotaExceededError":
      return "free some of this site's storage";
    case "VersionError":
      return "another tab has a newer version of the package; reload this page";
    case "SecurityError":
    case "InvalidStateError":
      return "allow this site to store data; private windows and sandboxed frames may not";
    case "BlockedError":
      return "close or reload the other tabs of this site";
    case "NotFoundError":
    case "DataError":
      return "choose another name, or delete the database in the developer tools";
    case "DataLossError":
      return "what earlier pages had stored is lost";
    case "UnknownError":
      return "the database may be damaged; clear the data of this site";
    default:
      return "reload the page, or clear the data of this site";
  }
}
