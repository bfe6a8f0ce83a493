// An application of each framework in one page, which share a client.
import * as react from "./react-app.mjs";
import * as solid from "./solid-app.mjs";
import * as svelte from "./svelte-app.mjs";
import * as vue from "./vue-app.mjs";

const FRAMEWORKS = { react, vue, svelte, solid };

/** Mounts each application below the page's body. */
export function mountAll(client) {
  return Object.entries(FRAMEWORKS).map(([name, { mount }]) => {
    const element = document.body.appendChild(document.createElement("section"));
    return { name, text: () => element.textContent, ...mount(client, element) };
  });
}
