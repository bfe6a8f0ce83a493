// The site: `cargo xtask docs` builds it into target/docs.
import { defineConfig } from "vitepress";
import { copyMermaid, drawDiagrams } from "./diagrams.mjs";
import { sidebar } from "./sidebar.mjs";
import { copySources, linkSources } from "./sources.mjs";

export default defineConfig({
  title: "Seamline",
  description: "A WebSocket that never loses its place: every message once, in order, across reconnects and reloads.",
  lang: "en-US",
  outDir: "../target/docs",
  srcExclude: ["node_modules/**"],
  // These are copied after VitePress has checked its links; tools/check-links.mjs checks all, with anchors.
  ignoreDeadLinks: [/^\/rust\//, /^\/source\//],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config(md) {
      linkSources(md);
      drawDiagrams(md);
    },
  },
  transformPageData({ relativePath, frontmatter }) {
    // Its table has a column for each question. Front matter in the page would show on GitHub.
    if (relativePath === "guide/comparison.md") Object.assign(frontmatter, { aside: false, pageClass: "wide" });
  },
  buildEnd({ outDir }) {
    copySources(outDir);
    copyMermaid(outDir);
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Guide", link: "/guide/getting-started", activeMatch: "^/guide/" },
      { text: "API", link: "/api/", activeMatch: "^/api/" },
      { text: "Protocol", link: "/PROTOCOL" },
      { text: "Operations", link: "/OPERATIONS" },
    ],
    sidebar: sidebar(),
    notFound: {
      title: "Page not found",
      quote: "The address is mistyped, or the page has moved. The search may find it.",
      linkLabel: "Go to the home page",
      linkText: "Go to the home page",
    },
    docFooter: { prev: "Previous", next: "Next" },
    footer: { message: "Licensed under MIT or Apache-2.0, at your option." },
  },
});
