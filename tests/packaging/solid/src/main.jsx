import { connect } from "seamline";
import { createMessages, SeamlineProvider } from "seamline/solid";
import { For } from "solid-js";
import { render } from "solid-js/web";

const client = connect(new URLSearchParams(location.search).get("server"));

function Room() {
  const room = createMessages("fixture", { from: "start" });
  return (
    <ol>
      <For each={room.messages}>{({ data }) => <li>{data.text}</li>}</For>
    </ol>
  );
}

render(
  () => (
    <SeamlineProvider client={client}>
      <Room />
    </SeamlineProvider>
  ),
  document.querySelector("#app"),
);
