import { test } from "node:test";
import { chat } from "./rust-chat.mjs";

test("a chat in Leptos shows each message once, across a kill", (t) => chat(t, "leptos-chat"));
