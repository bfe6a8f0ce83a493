/** @module seamline/state */
export * from "seamline/state";
