/** @module seamline/history */
export * from "seamline/history";
