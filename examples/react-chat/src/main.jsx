import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "seamline";
import { SeamlineProvider } from "seamline/react";
import { Chat } from "./Chat.jsx";
import "./style.css";

// Outside of React: a component may be mounted twice, the connection is made once.
const client = connect(import.meta.env.VITE_SEAMLINE_URL);

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <SeamlineProvider client={client}>
      <Chat />
    </SeamlineProvider>
  </StrictMode>,
);
