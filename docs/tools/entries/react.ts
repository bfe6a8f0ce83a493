/** @module seamline/react */
export * from "seamline/react";
