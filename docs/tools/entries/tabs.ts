/** @module seamline/tabs */
export * from "seamline/tabs";
