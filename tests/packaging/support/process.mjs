// Rows whose lines `message: TEXT` are what they show: of a process on its stdout, or of a server in its response.
import { Child } from "./children.mjs";
import { Failure } from "./failure.mjs";
import { serve } from "./page.mjs";

/** A process must end by itself when it has closed its client. */
const EXIT_MS = 30_000;

/** Collects the texts of lines `message: TEXT`, from a stream in pieces. */
class Lines {
  #rest = "";
  texts = [];

  push(text) {
    const lines = `${this.#rest}${text}`.split("\n");
    this.#rest = lines.pop();
    for (const line of lines) {
      const [, message] = /^\s*message: (.*?)\s*$/.exec(line) ?? [];
      if (message !== undefined) this.texts.push(message);
    }
  }
}

/** Starts the process of a row. It gets the URL for `connect()` in `SEAMLINE_URL`, and where its command has `{server}`. */
export async function openProcess(row, dir, serverUrl) {
  const lines = new Lines();
  const child = new Child(row.run.replaceAll("{server}", serverUrl), dir, { SEAMLINE_URL: serverUrl, ...row.env });
  child.onStdout((text) => lines.push(text));
  return {
    texts: async () => lines.texts,
    check() {
      const [problem] = /^seamline: .*/m.exec(child.output) ?? [];
      if (problem) throw new Failure(problem);
      if (child.ended !== undefined && (child.ended !== 0 || lines.texts.length < 4)) {
        throw child.failure(`ended with ${child.ended}`);
      }
    },
    finish: () => child.succeeds(EXIT_MS),
    close: () => child.stop(),
  };
}

/** Starts the server of a row, and reads its response. It gets the URL for `connect()` in the query, as a page does. */
export async function openResponse(row, dir, serverUrl) {
  const site = await serve({ ...row, path: "/" }, dir);
  const lines = new Lines();
  const abort = new AbortController();
  let error;
  const url = `http://localhost:${site.port}${row.path}?${new URLSearchParams({ server: serverUrl })}`;
  const read = async () => {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok) throw new Error(`HTTP ${response.status} for ${row.path}: ${await response.text()}`);
    const decoder = new TextDecoder();
    for await (const chunk of response.body) lines.push(decoder.decode(chunk, { stream: true }));
  };
  const reading = read().catch((reason) => (error ??= reason));
  return {
    texts: async () => lines.texts,
    check() {
      if (error) throw new Failure(error.message);
    },
    async finish() {},
    async close() {
      error ??= new Error("the row has ended");
      abort.abort();
      await reading;
      await site.stop();
    },
  };
}
