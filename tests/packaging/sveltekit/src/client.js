import { connect } from "seamline";
import { browser } from "$app/environment";

export const client = browser ? connect(new URLSearchParams(location.search).get("server")) : undefined;
