import { connect } from "seamline";
import { seamline } from "seamline/vue";

/** The server connects to nothing, and renders an empty list. */
export default defineNuxtPlugin(({ vueApp }) => {
  const server = new URL(useRequestURL()).searchParams.get("server") ?? "";
  vueApp.use(seamline(import.meta.server ? undefined : connect(server)));
});
