import { WebSocket } from "partysocket";
import { arrived, url } from "./first.mjs";

new WebSocket(`${url}first`).onmessage = ({ data }) => arrived(JSON.parse(data).data);
