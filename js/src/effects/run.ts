import { transactionFailed } from "./failure.js";
import type { TransactionAdapter } from "./types.js";

type State = "not called" | "not awaited" | "failed" | "done";

/** Runs a transaction by an adapter that may not be ours. What it reports as committed must have run. */
export async function run<X>(adapter: TransactionAdapter<X>, body: (transaction: X) => Promise<void>): Promise<void> {
  let state = "not called" as State;
  let failure: unknown;
  const observed = async (transaction: X) => {
    state = "not awaited";
    try {
      await body(transaction);
      state = "done";
    } catch (error) {
      state = "failed";
      failure = error;
      throw error;
    }
  };
  await adapter.run((transaction) => {
    const ended = observed(transaction);
    ended.catch(() => {}); // the adapter may forget it
    return ended;
  });
  if (state === "failed") throw failure;
  if (state !== "done") {
    const why = `it has resolved, and its \`body\` was ${state}; call it, and await it before you commit`;
    throw transactionFailed("cannot rely on the adapter's run()", why);
  }
}
