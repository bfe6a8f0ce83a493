const { connect } = require("seamline");

const client = connect(new URLSearchParams(location.search).get("server"));
client.channel("fixture", { from: "start" }).on("message", ({ data }) => {
  const item = document.createElement("li");
  item.textContent = data.text;
  document.querySelector("ol").append(item);
});
