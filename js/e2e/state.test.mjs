// Goal: a page that can fetch its state never sees a gap. Three tabs edit a document while its log is trimmed, replaced
// and rewound. At the end each of them shows what the backend has. `STATE_LOSSES=30` loses it 30 times.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { DocumentBackend } from "./support/document-backend.mjs";
import { Browser, until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { Server } from "./support/server.mjs";

const LOSSES = Number(process.env.STATE_LOSSES ?? 3);
const RETAINED = 20;

let browser;
before(async () => (browser = await new Browser().start()));
after(() => browser.stop());

/** In a page: shows the document, and edits it. An edit that the state has already changes nothing. */
async function openDocument({ url, backend }) {
  const { state } = await import("/dist/state.js");
  globalThis.view = { text: "", version: 0, causes: [], holes: 0, gaps: 0, failures: 0 };
  globalThis.client = connect(url, { backoff: { initialMs: 50, maxMs: 200 } });
  const from = state(async (cause, { signal }) => {
    view.isFetching = true;
    const answer = await fetch(`${backend}/doc`, { signal });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const { position, text, version } = await answer.json();
    view.causes.push(cause);
    Object.assign(view, { text, version, isFetching: false });
    return position;
  });
  const doc = client.channel("doc", { from });
  doc.on("gap", () => view.gaps++);
  doc.on("error", ({ code }) => void (code === "state_failed" && view.failures++));
  doc.on("message", ({ data }) => {
    if (data.version <= view.version) return;
    if (data.version > view.version + 1) view.holes++;
    view.text += data.text;
    view.version = data.version;
  });
  await doc.ready();
}

/** In a page: edits until it is stopped. */
function beginEditing({ backend, letter }) {
  globalThis.isEditing = true;
  globalThis.edits = (async () => {
    while (isEditing) {
      await fetch(`${backend}/edit`, { method: "POST", body: letter }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  })();
}

function endEditing() {
  globalThis.isEditing = false;
  return edits;
}

const count = (causes, cause) => causes.filter((one) => one === cause).length;

class Scene {
  server = new Server(["--retain-messages", `${RETAINED}`]);
  backend;
  tabs = [];

  constructor(mistake) {
    this.backend = new DocumentBackend(this.server, mistake);
  }

  async start() {
    await this.server.start();
    await this.backend.start();
    for (const letter of "abc") {
      const proxy = await new TcpProxy(() => this.server.port).start();
      const page = await browser.page();
      this.tabs.push({ letter, proxy, page, expected: [] });
      const url = `ws://127.0.0.1:${proxy.port}/ws`;
      await page.evaluate(openDocument, { url, backend: this.backend.url });
    }
    return this;
  }

  beginEditing = () => {
    for (const { page, letter } of this.tabs) {
      void page.evaluate(beginEditing, { backend: this.backend.url, letter });
    }
  };

  endEditing = () => Promise.all(this.tabs.map(({ page }) => page.evaluate(endEditing)));

  views = () => Promise.all(this.tabs.map(({ page }) => page.evaluate(() => view)));

  /** Waits until every tab shows what the backend has. Nothing is edited meanwhile. */
  async isShown() {
    const { text } = this.backend;
    await until("each tab shows the document", async () =>
      (await this.views()).every((view) => view.text === text && !view.isFetching),
    );
  }

  /** Waits until these tabs have fetched the state for this cause once more. */
  async isFetched(tabs, cause) {
    for (const tab of tabs) tab.expected.push(cause);
    for (const { page, expected } of tabs) {
      const found = async () => count(await page.evaluate(() => view.causes), cause);
      await until(`a tab has fetched for ${cause}`, async () => (await found()) >= count(expected, cause));
    }
  }

  /** A tab is away for longer than the log keeps messages. */
  async trim(i) {
    const tab = this.tabs[(i / 3) % this.tabs.length];
    tab.proxy.refusing = true;
    tab.proxy.cut();
    const { version } = this.backend;
    await until("the log is trimmed", async () => this.backend.version > version + 2 * RETAINED);
    tab.proxy.refusing = false;
    await this.isFetched([tab], "trimmed");
  }

  /** The server gets an empty store, while tabs edit. */
  async replace() {
    await this.backend.exclusive(() => this.server.restart((data) => rmSync(data, { recursive: true })));
    await this.isFetched(this.tabs, "epoch_changed");
  }

  /** A backup is restored: the log and the document. Edits go on when every tab is back. */
  async rewind() {
    const saved = await this.backend.exclusive(async () => {
      await this.server.backUp();
      return this.backend.save();
    });
    await until("there are edits to lose", () => this.backend.version > saved.version + 5);
    await this.backend.exclusive(async () => {
      await this.isShown();
      await this.server.restore();
      this.backend.load(saved);
      await this.isFetched(this.tabs, "rewound");
    });
  }

  async stop() {
    for (const { page, proxy } of this.tabs) {
      await page.close();
      await proxy.stop();
    }
    await this.backend.stop();
    await this.server.stop();
  }
}

test("tabs with a state survive a log that is trimmed, replaced and rewound", async (t) => {
  const scene = await new Scene().start();
  try {
    scene.beginEditing();
    for (let i = 0; i < LOSSES; i++) {
      await [() => scene.trim(i), () => scene.replace(), () => scene.rewind()][i % 3]();
    }
    await scene.endEditing();
    await scene.backend.exclusive(() => {});
    await scene.isShown();
    for (const [i, view] of (await scene.views()).entries()) {
      assert.deepEqual([view.gaps, view.holes], [0, 0]);
      assert.equal(view.text, scene.backend.text);
      assert.equal(view.causes[0], "start");
      const { expected } = scene.tabs[i];
      for (const cause of expected) assert.ok(count(view.causes, cause) >= count(expected, cause), `${view.causes}`);
      t.diagnostic(`tab ${i}: ${scene.backend.version} edits, failures ${view.failures}, ${view.causes.join(" ")}`);
    }
  } finally {
    await scene.stop();
  }
});

test("a position read after the state loses edits", async () => {
  const scene = await new Scene({ readsStateFirst: true }).start();
  try {
    scene.beginEditing();
    const hasHoles = async () => (await scene.views()).some(({ holes }) => holes > 0);
    for (let i = 0; i < 30 && !(await hasHoles()); i += 3) await scene.trim(i);
    await scene.endEditing();
    await scene.backend.exclusive(() => {});
    const { text } = scene.backend;
    assert.ok(
      (await scene.views()).some((view) => view.holes > 0 && view.text !== text),
      "the mistake is found",
    );
  } finally {
    await scene.stop();
  }
});
