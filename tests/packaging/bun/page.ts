import { connect } from "seamline";

const client = connect(new URLSearchParams(location.search).get("server") ?? "");
client.channel<{ text: string }>("fixture", { from: "start" }).on("message", ({ data }) => {
  const item = document.createElement("li");
  item.textContent = data.text;
  document.querySelector("ol")?.append(item);
});
