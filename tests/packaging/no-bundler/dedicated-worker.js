import { connect } from "./node_modules/seamline/dist/index.js";

self.onmessage = ({ data: url }) => {
  connect(url)
    .channel("fixture", { from: "start" })
    .on("message", ({ data }) => postMessage(data.text));
};
