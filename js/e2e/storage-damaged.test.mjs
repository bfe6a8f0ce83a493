// Goal: a database that was damaged on the disk stops no page. Method: the browser is killed, the files of its IndexedDB
// are overwritten, and it is opened again with the same profile.
import assert from "node:assert/strict";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openOutbox, publish, range, readLog, storedAre } from "./support/outbox.mjs";
import { ENGINE, until } from "./support/page.mjs";
import { unusedPort } from "./support/port.mjs";
import { Profile } from "./support/profile.mjs";
import { siteAndServer } from "./support/site-and-server.mjs";

/** What the page reports: Firefox replaces the database, as Chromium does, but silently. */
const REPORTED = {
  chromium: /^storage_failed: .*DataLossError: it was damaged, .*; what earlier pages had stored is lost; until/,
  webkit: /^storage_failed: .*UnknownError: .*; the database may be damaged; clear the data of this site; until/,
}[ENGINE];

const { site, server } = siteAndServer();

/** The files of databases in a profile: of Chromium, Firefox and WebKitGTK. */
function databases(folder) {
  const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, name));
  const isDatabase = /\/http[^/]+\/idb\/|\/http[^/]+\.indexeddb\.leveldb\/|\/IndexedDB\.sqlite3/;
  return files.filter((file) => isDatabase.test(file) && statSync(file).isFile());
}

test("a database that was damaged on the disk stops nothing", async (t) => {
  const profile = new Profile();
  t.after(() => profile.remove());
  await profile.open();
  let page = await profile.page(site.url);
  await openOutbox(page, { name: "damaged", port: await unusedPort() });
  await publish(page, "damaged", 1, 20);
  await storedAre(page, 20);
  await profile.kill();
  const files = databases(profile.folder);
  assert.ok(files.length > 0, "the profile has a database");
  for (const file of files) writeFileSync(file, Buffer.alloc(statSync(file).size, "garbage"));
  await profile.open();
  page = await profile.page(site.url);
  await openOutbox(page, { name: "damaged", port: server.port });
  await publish(page, "damaged", 21, 30);
  await until("they are settled", () => page.evaluate(() => settled.length === 10));
  assert.deepEqual(await readLog(server, "damaged"), range(30, 21));
  const errors = await page.evaluate(() => globalThis.errors.map(([code, message]) => `${code}: ${message}`));
  assert.equal(errors.length, REPORTED ? 1 : 0, `${errors}`);
  if (REPORTED) assert.match(errors[0], REPORTED);
  // WebKit cannot open it before somebody clears the data of the site.
  if (ENGINE !== "webkit") await until("a new one is used", () => page.evaluate(() => client.outbox.isDurable));
});
