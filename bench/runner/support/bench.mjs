// What all parts use: the browser, the servers, the links and the pages, and rounds that alternate.
import { loadavg } from "node:os";
import { join } from "node:path";
import { machine } from "../report/machine.mjs";
import { Browser } from "./browser.mjs";
import { Links } from "./link.mjs";
import { Results } from "./results.mjs";
import { unpacked } from "./seamline.mjs";
import { Servers, startServer, urlOf } from "./servers.mjs";
import { Site } from "./site.mjs";

/** See the file. Without a package, there is no browser, and what needs one is not measured. */
export class Bench {
  #options;
  #servers = new Servers();
  #links;
  #site;
  #builds = {};
  #browser;
  results;

  static async start(part, options) {
    const bench = new Bench();
    bench.#options = options;
    if (options.package) {
      bench.#links = new Links(options.link);
      bench.#browser = await Browser.start();
      bench.#site = await new Site(join(options.dir, "pages"), options.peers).start();
    }
    bench.#builds.seamline = bench.#build("seamline", options.server, options.package);
    if (options["before-server"] || options["before-package"]) {
      const server = options["before-server"] ?? options.server;
      bench.#builds.before = bench.#build("before", server, options["before-package"] ?? options.package);
    }
    const { rounds, quick } = options;
    const about = {
      at: new Date().toISOString(),
      machine: machine(),
      load: loadavg()[0],
      rounds,
      quick,
      built: options.built,
      browser: bench.#browser && `Chromium ${bench.#browser.version}`,
      node: process.versions.node,
    };
    bench.results = new Results(part, about);
    return bench;
  }

  #build(name, server, tarball) {
    return { name, server, dir: tarball && unpacked(tarball, join(this.#options.dir, "packages", name)) };
  }

  get quick() {
    return this.#options.quick;
  }

  /**
   * The contestants that `--only` names, by the first words of their names. One of kind `seamline` is also measured with
   * the builds before a change, if there are any.
   */
  contestants(all) {
    const only = this.#options.only?.split(",") ?? [];
    const builds = Object.values(this.#builds);
    const each = all.flatMap((one) => {
      if (one.kind !== "seamline") return [{ ...one, build: this.#builds.seamline }];
      return builds.map((build) => {
        return { ...one, name: one.name.replace("seamline", build.name), isBefore: build.name === "before", build };
      });
    });
    const isOurs = ({ kind }) => kind === "seamline";
    const matches = (one) => only.some((name) => (name === "ours" ? isOurs(one) : one.name.startsWith(name)));
    const chosen = only.length === 0 ? each : each.filter(matches);
    if (chosen.length === 0) throw new Error(`--only names none of: ${each.map(({ name }) => name).join(", ")}`);
    return chosen;
  }

  /**
   * Calls `measure` for each contestant under each condition, in rounds, at most so many. The order is reversed in every
   * second one.
   */
  async rounds(contestants, conditions, measure, most = Number.POSITIVE_INFINITY) {
    const rounds = Math.min(this.#options.rounds, most);
    for (let round = 1; round <= rounds; round++) {
      console.log(`round ${round} of ${rounds}`);
      const order = round % 2 === 1 ? contestants : contestants.toReversed();
      for (const condition of conditions) {
        for (const contestant of order) await measure(contestant, condition);
      }
    }
  }

  /** The contestant's server. `logs` has the numbers of messages that channels of a Seamline server begin with. */
  server({ kind, build }, logs = {}) {
    const options = { binary: build.server, logs, peers: this.#options.peers, nats: this.#options.nats };
    const key = kind === "seamline" ? `${build.name} ${Object.keys(logs)}` : "";
    return this.#servers.get(kind, key, options);
  }

  /** A server of its own for one measurement, which stops it. */
  freshServer({ kind, build }, logs = {}, args = [], isUsed = false) {
    return startServer(kind, {
      binary: build.server,
      logs,
      args,
      isUsed,
      peers: this.#options.peers,
      nats: this.#options.nats,
    });
  }

  /** The URL of the contestant's server, behind a link with that round trip time. */
  async url(contestant, server, roundTripMs) {
    return urlOf(contestant.kind, await this.#links.port(server.port, roundTripMs));
  }

  /** A link to a port, which can be cut. */
  link(port, roundTripMs) {
    return this.#links.to(port, roundTripMs);
  }

  /** Opens the contestant's page. */
  async page({ page, build }) {
    const opened = await this.#browser.page(await this.#site.url(page, build));
    await opened.global("bench");
    return opened;
  }

  /** Opens the contestant's page behind a link, as a browser does that was never there. */
  async coldPage({ page, build }, url, roundTripMs) {
    const at = new URL(await this.#site.url(page, build));
    at.port = await this.#links.port(this.#site.port, roundTripMs);
    at.searchParams.set("url", url);
    return this.#browser.page(at.href);
  }

  async stop() {
    await this.#browser?.stop();
    await this.#links?.stop();
    await this.#servers.stop();
    await this.#site?.stop();
  }
}
