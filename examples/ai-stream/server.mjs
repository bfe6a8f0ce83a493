// The application's backend: serves the page, takes questions, and publishes the tokens of the answers.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { answer } from "./model.mjs";

const { SEAMLINE_HTTP, SEAMLINE_URL, PORT = "0" } = process.env;

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  const [, chat] = /^\/chats\/([\w-]+)$/.exec(pathname) ?? [];
  if (request.method === "POST" && chat) {
    const question = await textOf(request);
    respond(chat, question).catch((error) => console.error(`no answer in ${chat}:`, error));
    response.writeHead(202).end();
  } else if (pathname === "/") {
    const page = await readFile(new URL("index.html", import.meta.url), "utf8");
    response.writeHead(200, { "Content-Type": "text/html" }).end(page.replace("SEAMLINE_URL", SEAMLINE_URL));
  } else if (pathname === "/seamline.js") {
    const script = await readFile(new URL("node_modules/seamline/dist/index.js", import.meta.url));
    response.writeHead(200, { "Content-Type": "text/javascript" }).end(script);
  } else {
    response.writeHead(404).end();
  }
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`Open http://127.0.0.1:${server.address().port}/`));

/** Publishes a question, and its answer token by token. Nobody needs to be connected. */
async function respond(chat, question) {
  const id = crypto.randomUUID();
  let count = 0;
  const publish = (data) => publishOnce(`chat-${chat}`, `${id}-${count++}`, data);
  await publish({ type: "question", text: question });
  for await (const token of answer(question)) await publish({ type: "token", text: token });
  await publish({ type: "end" });
}

/** Publishes over HTTP, and again if that fails: the log stores one message per key. */
async function publishOnce(channel, key, data) {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(`${SEAMLINE_HTTP}/channels/${channel}/messages`, {
      method: "POST",
      headers: { "Idempotency-Key": key },
      body: JSON.stringify(data),
    }).catch((error) => ({ status: 503, text: () => error.message }));
    if (response.ok) return;
    const isTemporary = response.status >= 500 || [408, 429].includes(response.status);
    if (!isTemporary || attempt === 5) throw new Error(await response.text());
    await new Promise((resolve) => setTimeout(resolve, 200 * attempt));
  }
}

async function textOf(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}
