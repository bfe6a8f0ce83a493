import { Call } from "./boundary.js";

/**
 * Reports the page's lifecycle events, each with its name and as a wake, hide or suspend, until the returned function
 * is called. Works without a `document`, as in workers.
 */
export function watchLifecycle(report: (name: string, event: Call) => void): () => void {
  const stop = new AbortController();
  const react = (event: Event) => {
    const { type } = event;
    const going = /pagehide|freeze|offline/.test(type) || (type === "visibilitychange" && document.hidden);
    const away = (event as PageTransitionEvent).persisted ? Call.Suspend : Call.Hide;
    report(type, going ? away : Call.Wake);
  };
  // Some of them are the document's, and do not bubble everywhere: but `capture` sees all. Runtimes without a document
  // may have none of these events, and may refuse `capture`, as Cloudflare Workers do.
  const capture = Boolean(globalThis.document);
  for (const name of "online offline pageshow pagehide visibilitychange resume freeze".split(" ")) {
    globalThis.addEventListener?.(name, react, { signal: stop.signal, capture });
  }
  return () => stop.abort();
}
