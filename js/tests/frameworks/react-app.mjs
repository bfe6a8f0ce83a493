// What react.test.mjs needs of React, bundled with the version of React that it chooses.
export {
  createElement,
  StrictMode,
  Suspense,
  startTransition,
  useEffect,
  useState,
  version,
} from "react";
export { flushSync } from "react-dom";
export { createRoot, hydrateRoot } from "react-dom/client";
export { renderToString } from "react-dom/server";
export * from "seamline/react";
