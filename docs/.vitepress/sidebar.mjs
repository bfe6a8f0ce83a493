// What the sidebar lists. The API pages are generated, and so is their part of it.
import { existsSync, readFileSync } from "node:fs";

const page = (text, link) => ({ text, link });

/** TypeDoc's groups of pages; none before it has run. They do not collapse: a button inside a link confuses readers. */
function api() {
  const file = new URL("../api/typedoc-sidebar.json", import.meta.url);
  const groups = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  return groups.map(({ text, items }) => ({ text, items: items.map(({ text, link }) => page(text, link)) }));
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
        page("Choosing where to begin", "/guide/start-points"),
        page("Tokens", "/guide/tokens"),
        page("Publishing from your backend", "/guide/publishing"),
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
      ],
    },
    {
      text: "Project",
      items: [page("The seam", "/SEAM"), page("Architecture", "/ARCHITECTURE"), page("Writing style", "/STYLE")],
    },
  ];
}
