// A site and a server for all tests of a file.
import { after, before } from "node:test";
import { Server } from "./server.mjs";
import { Site } from "./site.mjs";

/** They start before the first test, and stop after the last one. Pages of any origin may connect. */
export function siteAndServer() {
  const site = new Site();
  const server = new Server(["--allow-origin", "*"]);
  before(async () => {
    await site.start();
    await server.start();
  });
  after(async () => {
    await site.stop();
    await server.stop();
  });
  return { site, server };
}
