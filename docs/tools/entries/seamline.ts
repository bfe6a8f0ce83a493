/** @module seamline */
export * from "seamline";
