// Whether a browser puts pages into the back/forward cache. Each decides that for itself, and may change.
import { until } from "./page.mjs";

/**
 * Leaves a page and comes back to it. The page has nothing but a WebSocket to `socketUrl`, which it closes in
 * `pagehide` as the client does; so where it is not kept, no page with a client can be. Closes the page.
 *
 * @param page one of `Browser` or `Cdp`
 * @param otherUrl another page
 */
export async function keepsPages(page, otherUrl, socketUrl) {
  try {
    await page.evaluate(async (url) => {
      const socket = new WebSocket(url, "seamline.v1");
      addEventListener("pagehide", () => socket.close(1000));
      await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
      globalThis.kept = true;
    }, socketUrl);
    await page.goto(otherUrl);
    await page.back();
    let kept;
    await until("the page is back", async () => {
      const [path, state, mark] = await page.evaluate(() => [
        location.pathname,
        document.readyState,
        globalThis.kept ?? false,
      ]);
      kept = mark;
      return path === "/" && state === "complete";
    });
    return kept;
  } finally {
    await page.close();
  }
}
