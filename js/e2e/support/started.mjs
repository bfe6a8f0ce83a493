// Browsers do not always start on a busy machine.

/** How long one may take to start, before another is tried. */
export const START_MS = 60_000;

/** What `start` resolves to, in one of three tries. */
export function started(start) {
  return start().catch(start).catch(start);
}

/** The address at which a browser listens: it writes it to stderr, as the first group of `pattern`. */
export function addressOf(child, pattern) {
  return new Promise((resolve, reject) => {
    let text = "";
    const fail = (why) => reject(new Error(`the browser ${why}:\n${text}`));
    child.stderr.on("data", (chunk) => {
      text += chunk;
      const found = pattern.exec(text);
      if (found) resolve(found[1]);
    });
    child.once("exit", (code) => fail(`ended with ${code}`));
    setTimeout(fail, START_MS, `does not listen after ${START_MS} ms`).unref();
  });
}
