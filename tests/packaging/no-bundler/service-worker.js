import { connect } from "./node_modules/seamline/dist/index.js";

self.onmessage = ({ data: url, source }) => {
  connect(url)
    .channel("fixture", { from: "start" })
    .on("message", ({ data }) => source.postMessage(data.text));
};
