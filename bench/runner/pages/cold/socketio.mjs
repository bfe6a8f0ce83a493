import { io } from "socket.io-client";
import { arrived, url } from "./first.mjs";

io(url, { transports: ["websocket"], auth: { first: true } }).on("message", arrived);
