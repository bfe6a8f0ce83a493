/** Of a window. A worker has the functions, and never the events. */
interface PageEvents {
  addEventListener(event: "pagehide" | "pageshow", listener: () => void): void;
  removeEventListener(event: "pagehide" | "pageshow", listener: () => void): void;
}

/** Listens to the end of the page, which may enter the back/forward cache, and to its return. Returns how to stop. */
export function onPage(hide: () => void, show: () => void): () => void {
  const { addEventListener, removeEventListener } = globalThis as Partial<PageEvents>;
  addEventListener?.("pagehide", hide);
  addEventListener?.("pageshow", show);
  return () => {
    removeEventListener?.("pagehide", hide);
    removeEventListener?.("pageshow", show);
  };
}
