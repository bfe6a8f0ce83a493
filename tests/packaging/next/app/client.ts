import { connect } from "seamline";

export const client =
  typeof window === "undefined" ? undefined : connect(new URLSearchParams(location.search).get("server") ?? "");
