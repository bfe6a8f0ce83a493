import { connect } from "seamline/slim";
import { arrived, url } from "./first.mjs";

const wasm = fetch(new URL("../seamline.wasm", import.meta.url));
connect(url, { wasm })
  .channel("cold", { from: "start" })
  .on("message", ({ data }) => arrived(data));
