// Modules that the code in the guides imports and that are not installed here.
declare module "*?url" {
  const url: string;
  export default url;
}
declare module "socket.io-client" {
  export function io(url: string, options?: object): any;
}
