/** Whose connection it is, as far as a token shows it. */
export interface Identity {
  /** What is compared. */
  readonly key: string;
  /** The same for people. It has no part of an unreadable token. */
  readonly name: string;
}

/** Reads the user and the grants of a token. What a token is good for only the server knows. */
export function identityOf(token: unknown): Identity {
  if (typeof token !== "string" || token === "") return { key: "", name: "no token" };
  const claims = claimsOf(token);
  if (typeof claims?.sub !== "string") return { key: token, name: "a token without a readable `sub`" };
  const { sub, channels } = claims;
  const grants = channels === undefined ? "" : ` with the channels ${JSON.stringify(channels)}`;
  return { key: JSON.stringify([sub, channels]), name: `the user ${JSON.stringify(sub)}${grants}` };
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  try {
    const payload = atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"));
    const text = new TextDecoder().decode(Uint8Array.from(payload, (character) => character.charCodeAt(0)));
    const claims: unknown = JSON.parse(text);
    return typeof claims === "object" && claims ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Why a tab cannot share a connection: as long as a close reason may be. */
export function mismatch(what: string, own: string, others: string, cure: string): string {
  const shown = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
  return `cannot share the connection: ${what} of this tab is ${shown(own)}, and of the tab that holds it ${shown(others)}; ${cure}`;
}
