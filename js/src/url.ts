import { invalid } from "./error.js";
import { isText } from "./text.js";
import type { UrlLike } from "./types.js";

/** The URL of a WebSocket. Relative URLs are resolved against the page's; `http` means `ws`. */
export function webSocketUrl(url: string | UrlLike): string {
  const absolute = parse(url);
  if (!absolute) throw invalid("bad_url", "URL", url, "pass a well-formed absolute URL");
  absolute.protocol = absolute.protocol.replace("http", "ws");
  if (!/^wss?:$/.test(absolute.protocol)) {
    throw invalid("bad_url", "URL scheme", absolute.protocol, "use wss:, ws:, https: or http:");
  }
  absolute.hash = ""; // a WebSocket's URL has none (RFC 6455 §3)
  return absolute.href;
}

function parse(url: string | UrlLike): URL | undefined {
  try {
    // `URL` would replace what is not well-formed.
    return isText(String(url)) ? new URL(String(url), globalThis.location?.href) : undefined;
  } catch {
    return undefined;
  }
}
