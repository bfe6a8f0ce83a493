import { connect } from "seamline";
import { arrived, url } from "./first.mjs";

connect(url)
  .channel("cold", { from: "start" })
  .on("message", ({ data }) => arrived(data));
