import { connect } from "seamline";

/** Follows the channel on the server, and answers with what it receives. */
export function GET(request: Request) {
  const client = connect(new URL(request.url).searchParams.get("server") ?? "");
  const lines = new ReadableStream<string>({
    start(controller) {
      client.channel<{ text: string }>("fixture", { from: "start" }).on("message", ({ data }) => {
        controller.enqueue(`message: ${data.text}\n`);
      });
    },
    cancel: () => client.close(),
  });
  return new Response(lines.pipeThrough(new TextEncoderStream()));
}
