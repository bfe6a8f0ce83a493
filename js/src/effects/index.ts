/** Effects exactly once: what a listener stores and the position commit together. */
export { customTransaction } from "./custom.js";
export { type DexieLike, type DexieTransactionLike, dexieTransaction } from "./dexie.js";
export {
  type IndexedDbLike,
  type IndexedDbTransactionLike,
  indexedDbTransaction,
  type ReadWrite,
} from "./indexed-db.js";
export { type PositionStorage, type PositionsOptions, storedPositions } from "./positions.js";
export type { DatabaseOptions, TransactionAdapter, TransactionOptions } from "./types.js";
