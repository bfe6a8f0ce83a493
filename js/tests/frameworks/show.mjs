/** What the applications of the tests show. */
export function show({ name }, { messages, isLive }, pending) {
  const entries = [
    ...messages.map(({ data }) => data),
    ...pending.map(({ data, status }) => (status === "sent" ? data : `${data}(${status})`)),
  ];
  return `${name}${isLive ? " live" : ""}: ${entries.join(" ")}`;
}
