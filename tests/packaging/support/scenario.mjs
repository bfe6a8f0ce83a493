// What each row goes through: two messages from before, one live, the server killed and started again on the same data,
// and one message after that. Exactly these four must be shown, in order.
import { TcpProxy } from "../../../js/e2e/support/proxy.mjs";
import { publish } from "../../../js/e2e/support/publisher.mjs";
import { Server } from "../../../js/e2e/support/server.mjs";
import { Failure } from "./failure.mjs";
import { stopOnInterrupt } from "./interrupt.mjs";

const CHANNEL = "fixture";
const TEXTS = ["one", "two", "three", "four"];
/** How long a view may take to show the next message. The first one may wait for a dev server that compiles. */
const SHOWN_MS = 60_000;
/** A message that is delivered twice comes again right behind the last one. */
const QUIET_MS = 200;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Plays it. `open` takes the URL for `connect()`, and a function that returns how often that was connected to. It
 * resolves to a view: `texts()` resolves to what it shows, `check()` throws if something went wrong meanwhile,
 * `finish()` ends it and checks how, and `close()` frees what it uses.
 */
export async function play(open) {
  const server = new Server();
  const forget = stopOnInterrupt(() => server.stop());
  await server.start();
  // The server's port changes with each start; the proxy's does not.
  const proxy = await new TcpProxy(() => server.port).start();
  const say = (text) => publish(() => server.url, CHANNEL, text, { text });
  let view;
  try {
    await say("one");
    await say("two");
    view = await open(`ws://127.0.0.1:${proxy.port}/ws`, () => proxy.connections);
    await shows(view, 2);
    await say("three");
    await shows(view, 3);
    await server.kill();
    await server.start();
    await say("four");
    await shows(view, 4);
    await sleep(QUIET_MS);
    await shows(view, 4);
    view.check();
    await view.finish();
  } finally {
    await view?.close();
    await proxy.stop();
    await server.stop();
    forget();
  }
}

/** Waits until the view shows exactly the first `count` texts. */
async function shows(view, count) {
  const expected = TEXTS.slice(0, count);
  for (const end = Date.now() + SHOWN_MS; ; ) {
    const late = Date.now() > end;
    view.check();
    const texts = await view.texts();
    const isBegun = texts.every((text, i) => text === expected[i]);
    if (isBegun && texts.length === count) return;
    if (late || !isBegun) throw new Failure(`shows "${texts.join(", ")}" instead of "${expected.join(", ")}"`);
    await sleep(20);
  }
}
