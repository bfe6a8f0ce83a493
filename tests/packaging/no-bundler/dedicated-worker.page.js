import { append } from "./list.js";

const worker = new Worker("dedicated-worker.js", { type: "module" });
worker.onmessage = ({ data }) => append(data);
worker.postMessage(new URLSearchParams(location.search).get("server"));
