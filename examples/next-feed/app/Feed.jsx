"use client";

import { connect } from "seamline";
import { SeamlineProvider, useConnectionState, useMessages, usePublish } from "seamline/react";

// One client for the page; none on the server.
const client = typeof window === "undefined" ? undefined : connect(process.env.NEXT_PUBLIC_SEAMLINE_URL);

export function Feed(props) {
  return (
    <SeamlineProvider client={client}>
      <Posts {...props} />
    </SeamlineProvider>
  );
}

/** The posts that the server has rendered, and those after them. */
function Posts({ first, position }) {
  const { messages } = useMessages("feed", { from: position });
  const { publish, pending } = usePublish("feed");
  const posts = [...first, ...messages].reverse();

  const post = (event) => {
    event.preventDefault();
    publish({ text: event.target.elements.text.value, at: new Date().toISOString() });
    event.target.reset();
  };

  return (
    <>
      <ConnectionState />
      <form onSubmit={post}>
        <input name="text" placeholder="What is new?" aria-label="Post" autoComplete="off" required />
        <button type="submit">Post</button>
      </form>
      <ol aria-label="Posts">
        {pending.toReversed().map(({ key, data }) => (
          <li key={key} className="pending">
            {data.text}
          </li>
        ))}
        {posts.map(({ id, data }) => (
          <li key={id}>
            {data.text}
            <time dateTime={data.at} suppressHydrationWarning>
              {data.at && new Date(data.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}
            </time>
          </li>
        ))}
      </ol>
    </>
  );
}

function ConnectionState() {
  const { name, reason } = useConnectionState();
  return (
    <p role="status" suppressHydrationWarning>
      {name === "open" ? "live" : (reason?.message ?? name)}
    </p>
  );
}
