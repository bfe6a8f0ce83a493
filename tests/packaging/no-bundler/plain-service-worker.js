import { connect } from "./node_modules/seamline/dist/index.js";
import { plain } from "./node_modules/seamline/dist/plain.js";

self.onmessage = ({ data: url, source }) => {
  connect(`${url}?conversation_id=fixture`, { dialect: plain })
    .channel("fixture")
    .on("message", ({ data }) => source.postMessage(data.text));
};
