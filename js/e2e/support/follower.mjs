// Runs in a page or a worker: follows a channel from its start and keeps a record.
import { connect } from "/dist/index.js";

export function follow(url, channel, options = {}) {
  const client = connect(url, options);
  const room = client.channel(channel, { from: "start" });
  const [seen, gaps] = [[], []];
  let lives = 0;
  room.on("message", ({ offset }) => void seen.push(offset));
  room.on("gap", (gap) => void gaps.push(gap));
  room.on("live", () => void lives++);
  const report = () => {
    const [state, { connects }, past] = [client.state, client.stats(), client.diagnostics()];
    return { seen, gaps, lives, state, connects, past, now: Date.now() };
  };
  return { client, room, report };
}
