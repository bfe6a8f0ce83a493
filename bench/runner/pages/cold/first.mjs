/** The server's URL, which the page is given. */
export const url = new URLSearchParams(location.search).get("url");

/** The first message has arrived: how long after the navigation to this page. */
export function arrived({ n }) {
  if (n === 1) globalThis.firstMs ??= performance.now();
}
