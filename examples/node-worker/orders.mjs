// Stands in for a shop: publishes an order from time to time.
import { setTimeout as pause } from "node:timers/promises";

const CUSTOMERS = ["Ada", "Bob", "Cleo", "Dora"];

/** `COUNT` orders, `EVERY_MS` milliseconds apart. */
export async function publishOrders(
  http,
  count = Number(process.env.COUNT ?? Infinity),
  everyMs = Number(process.env.EVERY_MS ?? 500),
) {
  for (let i = 0; i < count; i++) {
    await publishOnce(http, crypto.randomUUID(), {
      customer: CUSTOMERS[i % CUSTOMERS.length],
      cents: 100 + 7 * (i % 50),
    });
    await pause(everyMs);
  }
}

/** Publishes until the log has the order. The key prevents a second one. */
async function publishOnce(http, key, order) {
  const request = { method: "POST", headers: { "Idempotency-Key": key }, body: JSON.stringify(order) };
  for (;;) {
    const response = await fetch(`${http}/channels/orders/messages`, request).catch(() => undefined);
    if (response?.ok) return;
    await pause(500);
  }
}
