import { append } from "./list.js";

const { port } = new SharedWorker("shared-worker.js", { type: "module" });
port.onmessage = ({ data }) => append(data);
port.postMessage(new URLSearchParams(location.search).get("server"));
