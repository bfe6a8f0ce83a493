import { Fragment, useEffect, useRef, useState } from "react";
import { useConnectionState, useMessages, usePublish } from "seamline/react";
import { usePresence } from "./presence.js";

const ROOM = "react-chat";

export function Chat() {
  const [name, setName] = useState(() => (sessionStorage.name ??= `Guest ${1 + Math.floor(Math.random() * 99)}`));
  const { messages, gaps } = useMessages(ROOM, { from: "start" });
  const { publish, pending } = usePublish(ROOM);
  const present = usePresence(ROOM, name);
  const list = useRef(null);

  useEffect(() => list.current.scrollTo(0, list.current.scrollHeight));

  const rename = (event) => setName((sessionStorage.name = event.target.value));
  const send = (event) => {
    event.preventDefault();
    publish({ from: name, text: event.target.elements.text.value });
    event.target.reset();
  };

  return (
    <main>
      <header>
        <h1>React chat</h1>
        <ConnectionState />
      </header>
      <p className="present">Here now: {present.join(", ")}</p>
      <ol ref={list} aria-label="Messages">
        <Gaps gaps={gaps} after={undefined} />
        {messages.map(({ id, data }) => (
          <Fragment key={id}>
            <Line {...data} mine={data.from === name} />
            <Gaps gaps={gaps} after={id} />
          </Fragment>
        ))}
        {pending.map(({ key, data, status, retry }) => (
          <Line key={key} {...data} mine status={status} retry={retry} />
        ))}
      </ol>
      <form onSubmit={send}>
        <input className="name" value={name} onChange={rename} aria-label="Your name" maxLength={20} required />
        <input name="text" placeholder="Write a message" aria-label="Message" autoComplete="off" required />
        <button type="submit">Send</button>
      </form>
    </main>
  );
}

/** A message. One that the log does not have yet is lighter; one that failed can be sent again. */
function Line({ from, text, mine, status, retry }) {
  return (
    <li className={`${mine ? "mine" : ""} ${status ?? ""}`}>
      <b>{from}</b>
      <span>{text}</span>
      {status === "failed" && (
        <button type="button" onClick={retry}>
          Send again
        </button>
      )}
    </li>
  );
}

/** Messages that the log no longer has. */
function Gaps({ gaps, after }) {
  return gaps
    .filter((gap) => gap.after === after)
    .map((gap) => (
      <li className="gap" key={`${gap.reason} ${gap.from}`}>
        {gap.reason === "trimmed"
          ? `${gap.to - gap.from + 1} older messages are no longer available`
          : "The history was replaced"}
      </li>
    ));
}

function ConnectionState() {
  const { name, reason } = useConnectionState();
  return <span role="status">{name === "open" ? "connected" : (reason?.message ?? name)}</span>;
}
