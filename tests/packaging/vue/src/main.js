import { connect } from "seamline";
import { seamline } from "seamline/vue";
import { createApp } from "vue";
import Room from "./Room.vue";

const client = connect(new URLSearchParams(location.search).get("server"));
createApp(Room).use(seamline(client)).mount("#app");
