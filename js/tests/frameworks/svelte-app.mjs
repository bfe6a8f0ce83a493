// What svelte.test.mjs mounts with Svelte 5: in its own syntax, and in that of Svelte 4.
import { createClassComponent } from "svelte/legacy";
import App from "./App.svelte";
import Runes from "./Runes.svelte";

const mounting = (component) => (client, target, onRender) => {
  const app = createClassComponent({ component, target, props: { client, onRender } });
  return { rename: (name) => app.$set({ name }), publish: (data) => app.publish(data), unmount: () => app.$destroy() };
};

export const mount = mounting(App);
export const mountRunes = mounting(Runes);
