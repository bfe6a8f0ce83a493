import { connect } from "seamline";

self.onmessage = ({ data: url }) => {
  connect(url)
    .channel("fixture", { from: "start" })
    .on("message", ({ data }) => postMessage(data.text));
};
