// An application in CommonJS.
import plain = require("seamline/plain");
import seamline = require("seamline");

const client: seamline.Client = seamline.connect("wss://example.org/ws", { dialect: plain.plain });
export const code: seamline.ErrorCode = new seamline.SeamlineError("closed", "it is closed").code;
client.channel<string>("room").on("message", ({ data }: seamline.Message<string>) => data.length);
