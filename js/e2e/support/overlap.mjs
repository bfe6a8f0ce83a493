// Forces an overlap of the replay and the live stream.
import { until } from "./page.mjs";

/** By chance alone nothing may come in the seam of any reconnect, where the machine is slow. */
const TRIES = 50;

/**
 * Cuts, and publishes until the page is live again, as often as it takes until its client has dropped a
 * duplicate. The page counts in `lives`; `publishOne` publishes one message, of whatever kind.
 */
export async function overlap(page, proxy, publishOne) {
  const duplicates = () => page.evaluate(() => globalThis.client.stats().duplicates);
  const lives = () => page.evaluate(() => globalThis.lives);
  for (let tries = 0; tries < TRIES && (await duplicates()) === 0; tries++) {
    const before = await lives();
    proxy.cut();
    await until("the page is live again", async () => {
      for (let i = 0; i < 5; i++) await publishOne();
      return (await lives()) > before;
    });
    // What is in both comes a second time after that.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
