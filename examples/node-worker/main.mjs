// Starts the worker, again whenever it ends, and publishes orders for it.
import { fork } from "node:child_process";
import { publishOrders } from "./orders.mjs";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  console.error(`error: node:sqlite needs Node.js 22.13 or later; this is ${process.versions.node}`);
  process.exit(1);
}

startWorker();
await publishOrders(process.env.SEAMLINE_HTTP);

function startWorker() {
  const worker = fork("worker.mjs", { execArgv: ["--disable-warning=ExperimentalWarning"] });
  console.log(`worker ${worker.pid} started; try \`kill -9 ${worker.pid}\``);
  worker.once("exit", () => setTimeout(startWorker, 100));
}
