import { connect } from "seamline";

const client = connect(Deno.args[0]);
client.channel<{ text: string }>("fixture", { from: "start" }).on("message", ({ data }) => {
  console.log(`message: ${data.text}`);
  if (data.text === "four") client.close();
});
