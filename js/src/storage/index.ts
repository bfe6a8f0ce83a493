/**
 * Storage that outlives the page, for the option `storage` of a client. Import it only where you use it: nothing of
 * it is in the default download.
 *
 * @module
 */
import { invalid, type SeamlineError, unknown } from "../error.js";
import { randomName } from "../random.js";
import type { Status } from "../status.js";
import type { ClientStorage, Options } from "../types.js";
import { sameVersion } from "../version.js";
import type { Limits } from "./entries.js";
import { IndexedDbAdapter } from "./indexed-db.js";
import { MemoryAdapter } from "./memory-adapter.js";
import { DurableOutbox } from "./outbox.js";
import type { Port } from "./port.js";
import type { IndexedDbOptions, OutboxOptions, Storage } from "./types.js";

export type { IndexedDbOptions, OutboxOptions, Storage, StorageChange, StorageRecord } from "./types.js";

/** A storage for the option `storage` of a client, whose records can be read and written, too. */
export type UsableStorage = Storage & ClientStorage;

/** The defaults of {@link OutboxOptions}. */
const MESSAGES = 10_000;
const BYTES = 16 * 1024 * 1024;
const EXPIRE_MS = 7 * 24 * 3600 * 1000;

/** The default of the client's `outboxMessages`. */
const CLIENT_MAX = 1000;

const TIME_MS_MAX = 2 ** 31 - 1;

/**
 * A storage in the browser's IndexedDB, in the database `seamline:<name>`. All pages of the origin that use the same
 * name share it. Use one name for each server and user: what one user has left is not published for another.
 *
 * If there is no IndexedDB, or it fails, the client emits an `error` (`storage_failed`), and continues in memory.
 */
export function indexedDb(name: string, options: IndexedDbOptions = {}): UsableStorage {
  checkName(name);
  const { durability, ...others } = checked(options, ["durability"]);
  if (durability !== undefined && durability !== "relaxed" && durability !== "strict") {
    throw invalid("bad_option", 'option of storage "durability"', durability, 'pass "relaxed" or "strict"');
  }
  return usable(`indexedDb:${name}`, new IndexedDbAdapter(name, durability), others);
}

/** A storage in memory, which ends with the page: for tests, and to read `client.outbox` without keeping anything. */
export function memory(options: OutboxOptions = {}): UsableStorage {
  return usable(`memory:${randomName()}`, new MemoryAdapter(), checked(options));
}

/**
 * A storage of your own. Pages that share its records must pass the same name, and pages that share none must not.
 */
export function custom(name: string, storage: Storage, options: OutboxOptions = {}): UsableStorage {
  checkName(name);
  if (typeof storage?.read !== "function" || typeof storage.write !== "function") {
    throw invalid("bad_option", "storage", storage, "pass an object with the methods read() and write()");
  }
  return usable(`custom:${name}`, storage, checked(options));
}

function usable(name: string, storage: Storage, options: OutboxOptions): UsableStorage {
  const { messages = MESSAGES, bytes = BYTES, expireMs = EXPIRE_MS } = options;
  const limits: Limits = { _messages: messages, _bytes: bytes, _expireMs: expireMs };
  return {
    seamline: sameVersion("storage"),
    read: (table, prefix) => storage.read(table, prefix),
    write: (changes) => storage.write(changes),
    attach(_status: Status, { outboxMessages: _clientMax = CLIENT_MAX }: Options, Own: typeof SeamlineError) {
      const _error: Port["_error"] = (code, message, cause) => new Own(code, message, { cause });
      return new DurableOutbox({ _status, _clientMax, _error }, storage, name, limits);
    },
  };
}

function checkName(name: unknown): void {
  if (typeof name !== "string" || name === "") {
    throw invalid("bad_option", "storage name", name, "pass a string that is not empty");
  }
}

/** The options, if each has a valid name and value. */
function checked<O extends OutboxOptions>(options: O, more: readonly string[] = []): O {
  if (typeof options !== "object" || !options) {
    throw invalid("bad_option", "options of storage", options, "pass an object");
  }
  const known = ["messages", "bytes", "expireMs"];
  for (const [name, value] of Object.entries(options)) {
    if (more.includes(name)) continue;
    if (!known.includes(name)) throw unknown("bad_option", "option of storage", name, [...known, ...more]);
    const max = name === "expireMs" ? TIME_MS_MAX : Number.MAX_SAFE_INTEGER;
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= max)) {
      throw invalid("bad_option", `option of storage "${name}"`, value, `pass a whole number from 1 to ${max}`);
    }
  }
  return options;
}
