// Applies each order to a database once. The position in the channel is stored in the same transaction as the effect, so
// a worker that is killed at any moment continues exactly where its database is.
import { DatabaseSync } from "node:sqlite";
import { connect } from "seamline";

const CHANNEL = "orders";

const database = new DatabaseSync(process.env.DATABASE ?? "data/orders.db");
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS customers (name TEXT PRIMARY KEY, orders INTEGER NOT NULL, cents INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS positions (channel TEXT PRIMARY KEY, epoch TEXT NOT NULL, offset INTEGER NOT NULL, id TEXT) STRICT;
`);
const readPosition = database.prepare("SELECT epoch, offset, id FROM positions WHERE channel = ?");
const storePosition = database.prepare("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)");
const addOrder = database.prepare(`
  INSERT INTO customers VALUES (?, 1, ?)
  ON CONFLICT (name) DO UPDATE SET orders = orders + 1, cents = cents + excluded.cents`);
const readTotal = database.prepare("SELECT sum(orders) AS orders, sum(cents) AS cents FROM customers");

process.once("disconnect", () => process.exit()); // with the process that has started it

const client = connect(process.env.SEAMLINE_URL);
const orders = client.channel(CHANNEL, { from: readPosition.get(CHANNEL) ?? "start" });

// The log no longer has these orders. Someone has to look at that.
orders.on("gap", (gap) => console.error("orders are missing:", gap));

for await (const { offset, id, data } of orders) {
  database.exec("BEGIN IMMEDIATE");
  addOrder.run(data.customer, data.cents);
  // `position` is that of the message before, and names the log's epoch.
  storePosition.run(CHANNEL, orders.position.epoch, offset, id);
  database.exec("COMMIT");
  const total = readTotal.get();
  console.log(
    `order ${offset}: ${data.customer} pays ${data.cents}; in all ${total.orders} orders, ${total.cents} cents`,
  );
}
