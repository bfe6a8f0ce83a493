// Tabs that share a connection, as far as the compiler is concerned.

import { type Client, connect, type Options, type Stats } from "seamline";
import { type Shared, type SharedRole, tabs } from "seamline/tabs";

const shared: Shared = tabs({ name: "ada" });
const options: Options = { shared, token: "x" };
const client: Client = connect("wss://example.com/ws", options);
const stats: Stats = client.stats();
const role: SharedRole | undefined = stats.shared;
if (role === "leader") console.log(shared.name);

// @ts-expect-error the option takes an object
connect("wss://example.com/ws", { shared: true });
// @ts-expect-error a name is a text
tabs({ name: 7 });
