"use client";
import { SeamlineProvider, useMessages } from "seamline/react";
import { client } from "./client";

function Room() {
  const { messages } = useMessages<{ text: string }>("fixture", { from: "start" });
  return (
    <ol>
      {messages.map(({ id, data }) => (
        <li key={id}>{data.text}</li>
      ))}
    </ol>
  );
}

export default function Page() {
  return (
    <SeamlineProvider client={client}>
      <Room />
    </SeamlineProvider>
  );
}
