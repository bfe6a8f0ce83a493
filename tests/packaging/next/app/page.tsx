"use client";
import { useEffect, useState } from "react";
import { connect } from "seamline";

export default function Page() {
  const [texts, setTexts] = useState<string[]>([]);
  useEffect(() => {
    const client = connect(new URLSearchParams(location.search).get("server") ?? "");
    client.channel<{ text: string }>("fixture", { from: "start" }).on("message", ({ data }) => {
      setTexts((texts) => [...texts, data.text]);
    });
    return () => void client.close();
  }, []);
  return (
    <ol>
      {texts.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ol>
  );
}
