// A component, with the types of React.
import { connect } from "seamline";
import { SeamlineProvider, useMessages, usePublish } from "seamline/react";

function Chat() {
  const { messages } = useMessages<{ text: string }>("room", { from: "start" });
  const { publish } = usePublish<{ text: string }>("room");
  return (
    <button onClick={() => publish({ text: "hi" })} type="button">
      {messages.map(({ id, data }) => (
        <li key={id}>{data.text}</li>
      ))}
    </button>
  );
}

const client = connect("wss://example.org/ws");
export const app = (
  <SeamlineProvider client={client}>
    <Chat />
  </SeamlineProvider>
);
