// `history` as an application calls it, as far as the compiler is concerned.

import { connect, type Message } from "seamline";
import { type History, type HistoryOptions, history } from "seamline/history";

const room = connect("ws://test/").channel<string>("room", { from: "tail" });
const options: HistoryOptions = { before: undefined, limit: 10, signal: new AbortController().signal };
export const page: Promise<History<string>> = history(room, options);
export const first: Promise<Message<string> | undefined> = history(room).then(({ messages }) => messages[0]);

// @ts-expect-error a channel, not its name
history("room");
// @ts-expect-error an offset, not a position
history(room, { before: room.position });
