import { connect } from "seamline";

/** Follows the channel on the server, and answers with what it receives. */
export default defineEventHandler((event) => {
  const client = connect(String(getQuery(event).server));
  const lines = new ReadableStream<string>({
    start(controller) {
      client.channel<{ text: string }>("fixture", { from: "start" }).on("message", ({ data }) => {
        controller.enqueue(`message: ${data.text}\n`);
      });
    },
    cancel: () => void client.close(),
  });
  return lines.pipeThrough(new TextEncoderStream());
});
