// What react.test.mjs mounts, with the version of React that it chooses.
import { createElement, StrictMode } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { renderToString as reactToString } from "react-dom/server";
import { SeamlineProvider, useConnectionState, useMessages, usePublish } from "seamline/react";
import { show } from "./show.mjs";

function App({ name, onRender, onPublish }) {
  const state = useConnectionState();
  const list = useMessages(name, { from: "start" });
  const { publish, pending } = usePublish(name);
  onRender?.();
  onPublish?.(publish);
  return createElement("p", null, show(state, list, pending));
}

const provided = (client, props) =>
  createElement(StrictMode, null, createElement(SeamlineProvider, { client }, createElement(App, props)));

/** Mounts in StrictMode. */
export function mount(client, element, onRender) {
  const root = createRoot(element);
  let publish;
  const onPublish = (next) => (publish = next);
  const rename = (name) => flushSync(() => root.render(provided(client, { name, onRender, onPublish })));
  rename("c");
  return { rename, publish: (data) => publish(data), unmount: () => root.unmount() };
}

export const renderToString = (client) => reactToString(provided(client, { name: "c" }));

export * from "react";
export { flushSync } from "react-dom";
export { createRoot, hydrateRoot } from "react-dom/client";
export { renderToString as reactToString } from "react-dom/server";
export * from "seamline/react";
