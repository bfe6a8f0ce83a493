import { connect } from "./node_modules/seamline/dist/index.js";

self.onconnect = ({ ports: [port] }) => {
  // What a shared worker logs is reported to no page.
  console.error = (...what) => port.postMessage(`error: ${what.join(" ")}`);
  port.onmessage = ({ data: url }) => {
    connect(url)
      .channel("fixture", { from: "start" })
      .on("message", ({ data }) => port.postMessage(data.text));
  };
};
