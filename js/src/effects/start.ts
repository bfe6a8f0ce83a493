import { guard } from "../guard.js";
import type { From } from "../start-point.js";
import type { AnyChannel } from "./handle.js";
import { pauseMs, wait } from "./wait.js";

/** Makes a handle begin where a database says. Until `read` has answered, it does not join the subscription. */
export function beginAfter(channel: AnyChannel, read: () => Promise<From>): void {
  const handle = channel._dispatcher;
  const join = channel._join.bind(channel);
  let state: "idle" | "reading" | "known" = "idle";
  /** What it was asked to join for. */
  const wanted: boolean[] = [];
  const begin = async () => {
    for (let failures = 1; state !== "known" && !handle._ended; failures++) {
      try {
        handle._from = await read();
        state = "known";
      } catch (error) {
        if (!handle._ended) handle._error(error);
        await wait(handle, pauseMs(failures));
        if (!channel._port._subscription(channel.name)) handle._end(); // the client is closed
      }
    }
    for (const messages of wanted)
      void guard(
        () => join(messages),
        (error) => handle._error(error),
      );
  };
  channel._join = (messages) => {
    if (state === "known") return join(messages);
    wanted.push(messages);
    if (state === "reading") return;
    state = "reading";
    void begin();
  };
}
