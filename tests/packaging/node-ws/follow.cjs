const { connect } = require("seamline");
const WebSocket = require("ws");

const client = connect(process.env.SEAMLINE_URL, { WebSocket });
client.channel("fixture", { from: "start" }).on("message", ({ data }) => {
  console.log(`message: ${data.text}`);
  if (data.text === "four") client.close();
});
