// What svelte.test.mjs mounts with Svelte 4.
import App from "./App.svelte";

export function mount(client, target, onRender) {
  const app = new App({ target, props: { client, onRender } });
  return { rename: (name) => app.$set({ name }), publish: app.publish, unmount: () => app.$destroy() };
}

export const renderToString = (client) => App.render({ client }).html;
