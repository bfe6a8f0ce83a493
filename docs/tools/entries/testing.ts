/** @module seamline/testing */
export * from "seamline/testing";
