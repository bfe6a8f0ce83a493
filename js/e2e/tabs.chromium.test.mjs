// Goal: a tab that enters the back/forward cache holds nothing that keeps it out, and gives the connection away. Method:
// Chromium really puts the page there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { keepsPages } from "./support/bfcache.mjs";
import { until } from "./support/page.mjs";
import { Profile, TabGroup } from "./support/tab-group.mjs";

let profile;
before(async () => void (profile = await new Profile().start()));
after(() => profile?.stop());

test("the back/forward cache keeps a tab that shares", async (t) => {
  const group = await TabGroup.open(profile, 2);
  t.after(() => group.close());
  if (!(await keepsPages(await profile.page(), `${profile.url}other`, group.url))) {
    return t.skip("this Chromium keeps no page there that had a WebSocket");
  }
  const [first, second] = group.tabs;
  const { leader } = await group.lose(async (page) => void (await page.goto(`${profile.url}other`)));
  assert.equal(leader, first);
  await group.publish(3);
  await group.caughtUp();
  assert.equal((await group.reports())[0].role, "leader");
  await first.back();
  await until("the tab is there again", async () => {
    const seen = await first.evaluate(() => globalThis.follower?.seen ?? "loaded again");
    assert.notEqual(seen, "loaded again");
    return seen.length === 3;
  });
  group.tabs = [first, second];
  await group.verify();
  assert.deepEqual(
    (await group.reports()).map(({ role }) => role),
    ["follower", "leader"],
  );
  assert.equal(group.proxy.open, 1);
});
