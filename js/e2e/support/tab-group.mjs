// Several pages of one browser profile that share a connection, and what becomes of the one that has it.
import assert from "node:assert/strict";
import { ENGINE, until } from "./page.mjs";
import { Profile as BrowserProfile } from "./profile.mjs";
import { TcpProxy } from "./proxy.mjs";
import { publish } from "./publisher.mjs";
import { Server } from "./server.mjs";
import { Site } from "./site.mjs";

const CHANNEL = "room";

/** A little more than the second. */
const SPACING_MS = 1100;

/** How long a page is busy: longer than the others wait for it, also on a busy machine. */
const BUSY_MS = 5000;

/** One profile of a browser, and a site. */
export class Profile {
  #profile = new BrowserProfile();
  #site;

  async start() {
    this.#site = await new Site().start();
    await this.#profile.open();
    return this;
  }

  /** A new tab, or a window where the browser hides tabs. */
  async page() {
    const page = await this.#profile.page(this.#site.url);
    if (ENGINE === "chromium") await page.send("Page.bringToFront"); // as when somebody opens a tab
    return page;
  }

  /** The URL of its pages. */
  get url() {
    return this.#site.url;
  }

  async stop() {
    await this.#profile.remove();
    await this.#site?.stop();
  }
}

export class TabGroup {
  published = 0;
  tabs = [];
  /** For each takeover, how long it took until every tab was connected again. */
  takeovers = [];
  /** The most connections at the same time. */
  connectionsMax = 0;

  static async open(profile, count, serverArgs = []) {
    const group = new this();
    group.profile = profile;
    group.server = await new Server(serverArgs).start();
    group.proxy = await new TcpProxy(() => group.server.port).start();
    group.proxy.onConnection = () => {
      group.connectionsMax = Math.max(group.connectionsMax, group.proxy.open);
    };
    for (let i = 0; i < count; i++) await group.join();
    return group;
  }

  get url() {
    return `ws://127.0.0.1:${this.proxy.port}/ws`;
  }

  /** A new tab follows the channel from its start. */
  async join(options = {}) {
    const tab = await this.profile.page();
    await tab.evaluate(follow, [this.url, CHANNEL, options]);
    this.tabs.push(tab);
    await until("the tab is connected", async () => (await tab.evaluate(report)).state.name === "open");
    return tab;
  }

  async publish(count = 1) {
    for (let i = 0; i < count; i++) {
      const n = ++this.published;
      await publish(() => this.server.url, CHANNEL, `key-${n}`, { n });
    }
  }

  reports() {
    return Promise.all(this.tabs.map((tab) => tab.evaluate(report)));
  }

  /** The tab that has the connection. */
  async leader() {
    let leader;
    await until("one tab has the connection", async () => {
      const leaders = (await this.reports()).flatMap(({ role }, i) => (role === "leader" ? [this.tabs[i]] : []));
      leader = leaders[0];
      return leaders.length === 1;
    });
    return leader;
  }

  /**
   * Does something to the leader, after which it is no longer one of the tabs. Waits until the others are connected. No
   * tab may have connected within the last second: clients keep that distance between attempts. `ms` is how long that
   * took, if there is a tab that could run meanwhile.
   */
  async lose(how) {
    const leader = await this.leader();
    const newest = Math.max(...(await this.reports()).flatMap(({ opens }) => opens));
    await new Promise((resolve) => setTimeout(resolve, newest + SPACING_MS - Date.now()));
    this.tabs = this.tabs.filter((tab) => tab !== leader);
    const since = Date.now();
    const at = (await how(leader)) ?? since;
    const opened = ({ opens }) => opens.find((time) => time >= at);
    await until("the other tabs are connected again", async () => (await this.reports()).every(opened)).catch(
      async (error) => {
        const pasts = (await this.reports()).map(({ role, past }) => ({ role, past: past.slice(-12) }));
        throw new Error(`${error.message}; lost at ${at}: ${JSON.stringify(pasts)}`);
      },
    );
    const running = (await this.reports()).filter(({ stalls }) => stalls.every((time) => time < at));
    // A browser may run several tabs in one process: then those of a busy one stand still with it.
    const ms = running.length > 0 ? Math.max(...running.map(opened)) - at : undefined;
    if (ms !== undefined) this.takeovers.push(ms);
    return { leader, ms };
  }

  /** Every tab got each message once, in order, without a gap. */
  async verify(reports) {
    const all = Array.from({ length: this.published }, (_, i) => i + 1);
    for (const { seen, gaps } of reports ?? (await this.reports())) assert.deepEqual([seen, gaps], [all, []]);
  }

  async caughtUp() {
    await until("every tab has everything", async () =>
      (await this.reports()).every(({ seen }) => seen.at(-1) >= this.published),
    );
  }

  /** A tab is there again that was lost. */
  async return(tab) {
    await until("the tab has everything", async () => (await tab.evaluate(report)).seen.at(-1) >= this.published);
    await this.verify([await tab.evaluate(report)]);
    await tab.close();
  }

  async close() {
    for (const tab of this.tabs) await tab.close();
    await this.proxy?.stop();
    await this.server?.stop();
  }
}

/** What may become of a page. `lose` may return when that began. `back` waits until it is there again. */
export const LOSSES = {
  closed: { lose: async (page) => void (await page.close()) },
  busy: {
    // In a task of its own, so that the driver gets the answer: when it began. A timer of a hidden page would be late.
    lose: (page) =>
      page.evaluate((ms) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => {
          while (Date.now() < data + ms);
        };
        const begin = Date.now();
        port2.postMessage(begin);
        return begin;
      }, BUSY_MS),
    back: () => {},
  },
  crashed: { lose: (page) => page.crash() },
  // In Chromium, the page gets the event. The processes of the others stop, as when the system suspends them.
  frozen: { lose: async (page) => void (await page.freeze()), back: (page) => page.thaw() },
};

/** In the page. */
async function follow([url, channel, options]) {
  const [{ connect }, { tabs }] = [await import("/dist/index.js"), await import("/dist/tabs.js")];
  const { name, ...others } = options;
  const client = connect(url, { shared: tabs(name ? { name } : {}), ...others });
  const room = client.channel(channel, { from: "start" });
  const follower = { client, seen: [], gaps: [], opens: [], casts: [], stalls: [] };
  client.on("state", ({ name }) => void (name === "open" && follower.opens.push(Date.now())));
  room.on("message", ({ data }) => void follower.seen.push(data.n));
  room.on("cast", (cast) => void follower.casts.push(cast));
  room.on("gap", (gap) => void follower.gaps.push(gap));
  globalThis.follower = follower;
  let last = Date.now();
  setInterval(() => {
    if (Date.now() - last > 1500) follower.stalls.push(last + 100);
    last = Date.now();
  }, 100);
}

/** In the page. */
function report() {
  const { client, ...record } = globalThis.follower;
  const stats = client.stats();
  return { ...record, state: client.state, role: stats.shared, stats, past: client.diagnostics() };
}
