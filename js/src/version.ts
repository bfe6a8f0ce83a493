import type { SeamlineError } from "./error.js";

/**
 * The version of the package, that of package.json. Its scripts have the same short names for what is internal, and those
 * of another version have other ones.
 */
export const VERSION = "0.1.0";

/**
 * What one script of the package makes for a client of another script has this as `seamline`: the client calls it with
 * its own version and its class of errors. It costs the default download less than a check there.
 */
export type CheckVersion = (version: string, Own: typeof SeamlineError) => void;

/** Throws if the client is of another version. `what` was made. */
export function sameVersion(what: string): CheckVersion {
  return (version, Own) => {
    if (version === VERSION) return;
    const versions = `it is from seamline ${VERSION}, and the client from seamline ${version}`;
    throw new Own("bad_option", `invalid ${what}: ${versions}; use one version of the package`);
  };
}
