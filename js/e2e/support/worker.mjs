// A follower in a worker, dedicated or shared. It starts with the first message, and answers each with its report.
import { follow } from "./follower.mjs";

let follower;
const listen = (port) => {
  port.onmessage = ({ data }) => {
    if (data) follower ??= follow(...data);
    port.postMessage(follower?.report());
  };
};

if ("onconnect" in globalThis) globalThis.onconnect = ({ ports: [port] }) => listen(port);
else listen(globalThis);
