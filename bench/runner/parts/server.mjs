// The server: memory, processor time and writes to the disk.
import { append } from "./server/append.mjs";
import { channels } from "./server/channels.mjs";
import { replays } from "./server/replays.mjs";
import { sockets } from "./server/sockets.mjs";
import { sweep } from "./server/sweep.mjs";

const ALL = [append, sweep, sockets, channels, replays];

export async function run(bench, { measure }) {
  const unknown = measure?.find((name) => !ALL.some((one) => one.name === name));
  if (unknown) throw new Error(`${unknown} is none of: ${ALL.map(({ name }) => name).join(", ")}`);
  for (const one of ALL.filter(({ name }) => measure?.includes(name) ?? true)) {
    console.log(one.name);
    await one(bench);
  }
}
