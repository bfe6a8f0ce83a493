import { createHash } from "node:crypto";
import { GLOBALS } from "./package.mjs";

/** What a page may call that decides nothing: it answers the same in every run. */
const HIDDEN = Object.fromEntries(GLOBALS.map((name) => [name, undefined]));

/**
 * The globals that depend on time or chance, for a page or a server: virtual time, and the randomness of the seed.
 * `enter(call)` runs a callback, if its owner still can.
 */
export function clockGlobals(stage, enter) {
  const timers = new Map();
  let count = 0;
  const start = (call, ms, args, again) => {
    const id = ++count;
    const wait = Math.max(Number(ms) || 0, again ? 1 : 0);
    const schedule = () => {
      const cancel = stage.after(wait, () =>
        enter(() => {
          if (timers.get(id) !== cancel) return;
          if (again) schedule();
          else timers.delete(id);
          call(...args);
        }),
      );
      timers.set(id, cancel);
    };
    schedule();
    return id;
  };
  const stop = (id) => {
    timers.get(id)?.();
    timers.delete(id);
  };
  return {
    setTimeout: (call, ms, ...args) => start(call, ms, args, false),
    setInterval: (call, ms, ...args) => start(call, ms, args, true),
    clearTimeout: stop,
    clearInterval: stop,
    Date: virtualDate(stage),
    Math: Object.assign(Object.create(Math), { random: () => stage.rng.next() }),
    performance: { now: () => stage.now, timeOrigin: stage.date - stage.now },
    crypto: virtualCrypto(stage),
  };
}

/** All globals of a page: those given, and `undefined` for what it does not have. */
export function globalsOf(given) {
  const globals = { ...HIDDEN, WeakRef: StrongRef, FinalizationRegistry: NoRegistry, ...given };
  // What a script reads as a property of `globalThis`; what pages have and Node has as well is Node's.
  const object = Object.create(globalThis);
  const all = { ...globals, globalThis: object, self: object, window: object };
  // Defined, because some of Node's have no setter.
  for (const [name, value] of Object.entries(all)) Object.defineProperty(object, name, { value, writable: true });
  return GLOBALS.map((name) => object[name]);
}

function virtualDate(stage) {
  return class extends Date {
    constructor(...args) {
      super(...(args.length > 0 ? args : [stage.date]));
    }
    static now() {
      return stage.date;
    }
  };
}

function virtualCrypto(stage) {
  const getRandomValues = (array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = stage.rng.below(256);
    return array;
  };
  const hex = () => Buffer.from(getRandomValues(new Uint8Array(16))).toString("hex");
  const randomUUID = () => hex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  const digest = async (name, data) => {
    const bytes = new Uint8Array(data.buffer ?? data);
    const hash = createHash(String(name.name ?? name).replace("-", ""))
      .update(bytes)
      .digest();
    return hash.buffer.slice(hash.byteOffset, hash.byteOffset + hash.length);
  };
  return { getRandomValues, randomUUID, subtle: { digest } };
}

// When the garbage collector runs is up to the machine, so in a run it collects nothing.
class StrongRef {
  #target;
  constructor(target) {
    this.#target = target;
  }
  deref() {
    return this.#target;
  }
}

class NoRegistry {
  register() {}
  unregister() {}
}
