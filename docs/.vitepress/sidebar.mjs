// What the sidebar lists. The API pages are generated, and so is their part of it.
import { existsSync, readFileSync } from "node:fs";

const page = (text, link) => ({ text, link });

/** The generated pages, a group for each entry of the package. No group collapses: axe rejects a button in a button. */
function api() {
  const file = new URL("../api/typedoc-sidebar.json", import.meta.url);
  const entries = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  return entries.map(({ text, link, items = [] }) => ({
    text,
    items: [page("Overview", link), ...items.flatMap(pages)],
  }));
}

/** The pages of TypeDoc's groups: functions, classes, interfaces, types. */
function pages({ text, link, items }) {
  return items ? items.flatMap(pages) : [page(text, link)];
}

export function sidebar() {
  return { "/api/": [{ items: [page("JavaScript API", "/api/")] }, ...api()], "/": guides() };
}

function guides() {
  return [
    {
      text: "Guide",
      items: [
        page("Getting started", "/guide/getting-started"),
        page("Frameworks", "/guide/frameworks"),
        page("Rust front ends", "/guide/rust"),
        page("Choosing where to begin", "/guide/start-points"),
        page("State, then stream", "/guide/state"),
        page("Handling messages", "/guide/handling-messages"),
        page("Effects exactly once", "/guide/effects"),
        page("Publications that survive the page", "/guide/storage"),
        page("Tokens", "/guide/tokens"),
        page("One socket for all tabs", "/guide/tabs"),
        page("Publishing from your backend", "/guide/publishing"),
        page("Bundlers and CSP", "/guide/bundlers"),
        page("Testing your application", "/guide/testing"),
        page("Troubleshooting", "/guide/troubleshooting"),
        page("Browsers and runtimes", "/guide/browsers"),
        page("Comparison", "/guide/comparison"),
        page("Migrating", "/guide/migrating"),
      ],
    },
    {
      text: "Reference",
      items: [
        page("JavaScript API", "/api/"),
        { text: "Rust API", link: "/rust/seamline/index.html", target: "_self" },
        page("Protocol", "/PROTOCOL"),
        page("Page lifecycle", "/PAGE-LIFE"),
        page("Running the server", "/OPERATIONS"),
        page("Compatibility", "/COMPATIBILITY"),
        page("Size", "/SIZE"),
        page("Benchmarks", "/BENCHMARKS"),
      ],
    },
    {
      text: "Project",
      items: [
        page("The seam", "/SEAM"),
        page("Architecture", "/ARCHITECTURE"),
        page("Writing style", "/STYLE"),
        page("Releasing", "/RELEASING"),
      ],
    },
  ];
}
