import { connect } from "seamline";
import { append } from "./list.js";

const client = connect(new URLSearchParams(location.search).get("server"));
client.channel("fixture", { from: "start" }).on("message", ({ data }) => append(data.text));
