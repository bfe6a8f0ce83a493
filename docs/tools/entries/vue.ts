/** @module seamline/vue */
export * from "seamline/vue";
