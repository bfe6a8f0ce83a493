// What vue.test.mjs mounts.
import { seamline, useConnectionState, useMessages, usePublish } from "seamline/vue";
import { createApp, createSSRApp, h, shallowRef, unref } from "vue";
import { show } from "./show.mjs";

/** An application, and how to control it. */
function application(create, client, onRender) {
  const name = shallowRef("c");
  let publish;
  const app = create({
    setup() {
      const state = useConnectionState();
      const list = useMessages(name, { from: "start" });
      const publisher = usePublish(() => name.value);
      publish = publisher.publish;
      return () => {
        onRender?.();
        const { messages, isLive } = list;
        return h("p", show(state.value, { messages: unref(messages), isLive: isLive.value }, publisher.pending.value));
      };
    },
  });
  app.use(seamline(client));
  return { app, rename: (next) => void (name.value = next), publish: (data) => publish(data) };
}

export function mount(client, element, onRender) {
  const { app, rename, publish } = application(createApp, client, onRender);
  app.mount(element);
  return { rename, publish, unmount: () => app.unmount() };
}

export const serverApp = (client) => application(createSSRApp, client).app;
export * from "seamline/vue";
export { createApp, effectScope } from "vue";
export { renderToString } from "vue/server-renderer";
