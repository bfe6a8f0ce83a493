/** Lines of at most so many columns. */
export function wrapped(text, columns = 120) {
  let line = "";
  const lines = [];
  for (const word of text.split(/\s+/)) {
    if (`${line} ${word}`.length > columns) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].join("\n");
}

/** An item of a list. */
export function item(text) {
  return `- ${wrapped(text, 118).replaceAll("\n", "\n  ")}`;
}
