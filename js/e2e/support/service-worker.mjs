// A client of the plain dialect in a service worker, which may not `import()`. A message has the URL and how the dialect
// is passed; the answer is the first state that is not "connecting".
import { connect } from "/dist/index.js";
import { plain } from "/dist/plain.js";

globalThis.onmessage = ({ data: { url, byName }, ports: [port] }) => {
  const client = connect(url, { dialect: byName ? "plain" : plain, logger: {} });
  client.on("state", (state) => {
    if (state.name === "connecting") return;
    port.postMessage(state);
    client.close();
  });
};
