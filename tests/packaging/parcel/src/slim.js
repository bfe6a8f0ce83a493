import { connect } from "seamline/slim";

const wasm = new URL("npm:seamline/dist/seamline.wasm", import.meta.url);
const client = connect(new URLSearchParams(location.search).get("server"), { wasm });
client.channel("fixture", { from: "start" }).on("message", ({ data }) => {
  const item = document.createElement("li");
  item.textContent = data.text;
  document.querySelector("ol").append(item);
});
