const { connect } = require("seamline");

const client = connect(process.env.SEAMLINE_URL);
client.channel("fixture", { from: "start" }).on("message", ({ data }) => {
  console.log(`message: ${data.text}`);
  if (data.text === "four") client.close();
});
