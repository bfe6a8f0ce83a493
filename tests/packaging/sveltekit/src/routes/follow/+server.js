import { connect } from "seamline";

/** Follows the channel on the server, and answers with what it receives. */
export function GET({ url }) {
  const client = connect(url.searchParams.get("server"));
  const lines = new ReadableStream({
    start(controller) {
      client.channel("fixture", { from: "start" }).on("message", ({ data }) => {
        controller.enqueue(`message: ${data.text}\n`);
      });
    },
    cancel: () => client.close(),
  });
  return new Response(lines.pipeThrough(new TextEncoderStream()));
}
