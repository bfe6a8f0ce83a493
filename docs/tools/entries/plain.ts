/** @module seamline/plain */
export * from "seamline/plain";
