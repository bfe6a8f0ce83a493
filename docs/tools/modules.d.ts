// Modules that the code in the guides imports and that are not installed here, or are in another block.
declare module "*?url" {
  const url: string;
  export default url;
}
declare module "socket.io-client" {
  export function io(url: string, options?: object): any;
}
declare module "*/client" {
  export const client: import("seamline").Client;
}
