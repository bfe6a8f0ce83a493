import { connect } from "seamline";
import { plain } from "seamline/plain";

const url = new URLSearchParams(location.search).get("server");
const client = connect(`${url}?conversation_id=fixture`, { dialect: plain });
client.channel("fixture").on("message", ({ data }) => {
  const item = document.createElement("li");
  item.textContent = data.text;
  document.querySelector("ol").append(item);
});
