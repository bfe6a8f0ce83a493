// Transactions and stored positions, as far as the compiler is concerned.

import { Dexie, type Transaction as DexieTransaction } from "dexie";
import type { DBSchema, IDBPDatabase, IDBPTransaction } from "idb";
import { connect, type Transaction } from "seamline";
import {
  customTransaction,
  dexieTransaction,
  indexedDbTransaction,
  type PositionStorage,
  storedPositions,
  type TransactionAdapter,
} from "seamline/effects";

interface Schema extends DBSchema {
  rows: { key: number; value: { text: string } };
  positions: { key: string; value: unknown };
}
declare const db: IDBDatabase;
declare const wrapped: IDBPDatabase;
declare const withSchema: IDBPDatabase<Schema>;
declare const storage: PositionStorage;
declare const adapter: TransactionAdapter<{ sql: string }>;

const client = connect("ws://test/", { positions: storedPositions(storage, { name: undefined }) });

// The second argument has the type of the transaction.
const transaction: Transaction<IDBTransaction> = indexedDbTransaction(db, ["rows"], { key: "k", positions: undefined });
client.channel("a", { transaction }).on("message", ({ data }, tx) => void tx.objectStore("rows").add(data));
client
  .channel("a", { transaction: indexedDbTransaction(async () => db, ["rows"]) })
  .on("batch", (messages, tx) => void tx.objectStore("rows").add(messages[0]?.data));
client
  .channel("b", {
    transaction: indexedDbTransaction<IDBPTransaction<unknown, string[], "readwrite">>(wrapped, ["rows"]),
  })
  .on("message", async ({ data }, tx) => void (await tx.objectStore("rows").add(data)));
client
  .channel("b", { transaction: indexedDbTransaction(wrapped, ["rows"]) })
  .on("message", async ({ data }, tx) => void (await tx.objectStore("rows").add(data)));
client
  .channel("b", { transaction: indexedDbTransaction(async () => withSchema, ["rows"]) })
  .on("message", async (_, tx) => void (await tx.objectStore("rows").put({ text: "a" })));
client
  .channel("c", { transaction: dexieTransaction<DexieTransaction>(new Dexie("app"), ["rows"]) })
  .on("message", ({ data }, tx) => tx.table("rows").add(data));
client.channel("d", { transaction: customTransaction(adapter) }).on("message", (_, tx) => tx.sql.length);

// With a type for the payloads, the compiler infers no other one.
client.channel<{ text: string }, unknown, IDBTransaction>("e", { transaction }).on("message", ({ data }, tx) => {
  tx.objectStore("rows").add(data.text);
});
client.channel<{ text: string }>("e", { transaction }).on("message", ({ data }, tx: IDBTransaction) => {
  tx.objectStore("rows").add(data.text);
});
// @ts-expect-error the payload has a type
client.channel<{ text: string }>("e", { transaction }).on("message", ({ data }) => data.title);

// @ts-expect-error no transaction
client.channel("f").on("message", (_, tx) => tx.abort());
// @ts-expect-error its listeners would get transactions
connect("ws://test/", { positions: transaction });
// @ts-expect-error made by the functions of seamline/effects
client.channel("g", { transaction: db });
