// The server: memory, processor time and writes to the disk.
import { append } from "./server/append.mjs";
import { channels } from "./server/channels.mjs";
import { redis } from "./server/redis.mjs";
import { replays } from "./server/replays.mjs";
import { sockets } from "./server/sockets.mjs";

export async function run(bench) {
  for (const measure of [append, sockets, channels, replays, redis]) {
    console.log(measure.name);
    await measure(bench);
  }
}
