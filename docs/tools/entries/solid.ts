/** @module seamline/solid */
export * from "seamline/solid";
