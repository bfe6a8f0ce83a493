import { test } from "node:test";
import { chat } from "./rust-chat.mjs";

test("a chat in Yew shows each message once, across a kill", (t) => chat(t, "yew-chat"));
