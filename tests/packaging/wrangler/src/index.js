import { connect } from "seamline";

export default {
  /** Follows the channel, and answers with what it receives. */
  fetch(request) {
    const server = new URL(request.url).searchParams.get("server");
    if (!server) return new Response();
    const client = connect(server);
    const lines = new ReadableStream({
      start(controller) {
        client.channel("fixture", { from: "start" }).on("message", ({ data }) => {
          controller.enqueue(`message: ${data.text}\n`);
        });
      },
      cancel: () => client.close(),
    });
    // Otherwise `wrangler dev` compresses the lines, and keeps them until there are many.
    const headers = { "Content-Encoding": "identity" };
    return new Response(lines.pipeThrough(new TextEncoderStream()), { headers });
  },
};
