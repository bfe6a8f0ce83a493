// What solid.test.mjs mounts.
import {
  createChannel,
  createConnectionState,
  createMessages,
  createPublisher,
  SeamlineProvider,
  useClient,
} from "seamline/solid";
import { createComponent, createSignal } from "solid-js";
import * as web from "solid-js/web";
import { show } from "./show.mjs";

/** A component below the provider. */
const provided = (client, component) => () =>
  createComponent(SeamlineProvider, {
    client,
    get children() {
      return createComponent(component, {});
    },
  });

export function mount(client, element, onRender) {
  const [name, rename] = createSignal("c");
  let publish;
  const App = () => {
    const state = createConnectionState();
    const list = createMessages(name, { from: "start" });
    const publisher = createPublisher(name);
    publish = publisher.publish;
    return () => (onRender?.(), show(state(), list, publisher.pending));
  };
  const unmount = web.render(provided(client, App), element);
  return { rename, publish, unmount };
}

/** Renders as a server does. */
export function renderToString(client) {
  const App = () => {
    const list = createMessages("c", { from: "start" });
    createChannel("c");
    return show(createConnectionState()(), list, createPublisher("c").pending);
  };
  return web.renderToString(provided(client, App));
}

/** Follows casts until the returned function is called. */
export function mountCasts(client, element, onCast) {
  return web.render(
    provided(client, () => {
      createChannel("c").on("cast", onCast);
      return "";
    }),
    element,
  );
}

export const mountWithout = (element) => web.render(() => createComponent(createConnectionState, {}), element);
export const mountClient = (element) => web.render(provided(undefined, useClient), element);
