import { append } from "./list.js";

const parameters = new URLSearchParams(location.search);
navigator.serviceWorker.onmessage = ({ data }) => append(data);
await navigator.serviceWorker.register(parameters.get("worker") ?? "service-worker.js", { type: "module" });
const { active } = await navigator.serviceWorker.ready;
active.postMessage(parameters.get("server"));
