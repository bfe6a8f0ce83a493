/** @module seamline/storage */
export * from "seamline/storage";
