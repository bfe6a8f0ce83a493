/** @module seamline/effects */
export * from "seamline/effects";
