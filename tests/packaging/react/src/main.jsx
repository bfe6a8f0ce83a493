import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "seamline";
import { SeamlineProvider, useMessages } from "seamline/react";

const client = connect(new URLSearchParams(location.search).get("server"));

function Room() {
  const { messages } = useMessages("fixture", { from: "start" });
  return (
    <ol>
      {messages.map(({ id, data }) => (
        <li key={id}>{data.text}</li>
      ))}
    </ol>
  );
}

createRoot(document.querySelector("#app")).render(
  <StrictMode>
    <SeamlineProvider client={client}>
      <Room />
    </SeamlineProvider>
  </StrictMode>,
);
