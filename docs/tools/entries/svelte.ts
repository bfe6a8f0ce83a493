/** @module seamline/svelte */
export * from "seamline/svelte";
