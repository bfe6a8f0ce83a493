// What a server of the benchmark prints, and the lines that it reads from its standard input.
import { createInterface } from "node:readline";

/** Listens on the port of the command line, or on a free one, and prints where. For each line `publish FROM COUNT`, calls `publish` with each number. */
export function serve(http, publish) {
  http.listen({ port: Number(process.argv[2] ?? 0), host: "127.0.0.1", backlog: 4096 }, () => {
    console.log(`listening on http://127.0.0.1:${http.address().port}`);
  });
  createInterface(process.stdin).on("line", (line) => {
    const [, from, count] = /^publish (\d+) (\d+)$/.exec(line).map(Number);
    for (let n = from; n < from + count; n++) publish(n);
    console.log("published");
  });
}
