import { invalid } from "./error.js";
import { checkText } from "./text.js";

/** The URL of a WebSocket. Relative URLs are resolved against the page's; `http` means `ws`. */
export function webSocketUrl(url: string | URL): string {
  let absolute: URL;
  try {
    absolute = new URL(url, globalThis.location?.href);
  } catch {
    throw invalid("bad_url", "URL", url, "pass an absolute URL");
  }
  checkText("bad_url", "URL", url);
  absolute.protocol = absolute.protocol.replace("http", "ws");
  if (!/^wss?:$/.test(absolute.protocol)) {
    throw invalid("bad_url", "URL scheme", absolute.protocol, "use wss:, ws:, https: or http:");
  }
  absolute.hash = ""; // a WebSocket's URL has none (RFC 6455 §3)
  return absolute.href;
}
