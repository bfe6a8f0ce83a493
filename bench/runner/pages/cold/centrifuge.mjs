import { Centrifuge } from "centrifuge";
import { arrived, url } from "./first.mjs";

const client = new Centrifuge(url);
const subscription = client.newSubscription("cold");
subscription.on("publication", ({ data }) => arrived(data));
subscription.subscribe();
client.connect();
