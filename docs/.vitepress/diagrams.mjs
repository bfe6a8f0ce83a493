// ```mermaid blocks. A component draws them in the page. Mermaid is copied instead of bundled: bundling it takes longer
// than the rest of the build, and only the pages with a diagram load it.
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MERMAID = fileURLToPath(new URL("../node_modules/mermaid/dist", import.meta.url));

export function drawDiagrams(md) {
  const render = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index];
    if (info.trim() !== "mermaid") return render(tokens, index, ...rest);
    return `<ClientOnly><SequenceDiagram code="${encodeURIComponent(content)}" /></ClientOnly>`;
  };
}

/** Copies the library to where the component imports it from. */
export function copyMermaid(outDir) {
  for (const part of ["mermaid.esm.min.mjs", "chunks/mermaid.esm.min"]) {
    cpSync(join(MERMAID, part), join(outDir, "mermaid", part), {
      recursive: true,
      filter: (file) => !file.endsWith(".map"),
    });
  }
}
