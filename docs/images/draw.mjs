// The picture of a run, as SVG.

const WIDTH = 960;
const HEIGHT = 336;
/** The time axis: from the first message to this much after the last. */
const LEFT = 262;
const RIGHT = 30;
const LANES = { published: 84, plain: 152, seamline: 256 };
const COLORS = { text: "#1f2933", muted: "#52606d", line: "#d2d9e0", dot: "#2f6f9f", late: "#0b8457", lost: "#c4372c" };

/** `run` has the times in milliseconds at which each message was published, and when each client received it. */
export function draw({ published, plain, seamline, cut }) {
  const messages = published.length;
  const end = Math.max(...[published, plain, seamline].map((lane) => lane.at(-1).at)) + 200;
  const x = (ms) => (LEFT + (ms / end) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const arrived = new Set(plain.map(({ number }) => number));
  const lost = published.filter(({ number }) => !arrived.has(number));

  const lanes = [
    lane(LANES.published, "Published", `${messages} messages`, x),
    lane(LANES.plain, "WebSocket that reconnects", `${plain.length} delivered, ${lost.length} lost`, x),
    lane(LANES.seamline, "Seamline", `${seamline.length} delivered, each once, in order`, x),
  ];
  const dots = [
    ...published.map(({ at }) => dot(x(at), LANES.published, COLORS.dot)),
    ...plain.map(({ at }) => dot(x(at), LANES.plain, COLORS.dot)),
    ...lost.map(({ at }) => cross(x(at), LANES.plain)),
    ...stacked(seamline).map(({ at, up, replayed }) =>
      dot(x(at), LANES.seamline - up * 5.4, replayed ? COLORS.late : COLORS.dot),
    ),
  ];
  const alt = `${messages} messages are published. There is no connection for ${seconds(cut.to - cut.from)}. A WebSocket \
that reconnects receives ${plain.length} of them and loses ${lost.length}. Seamline delivers all ${seamline.length}, \
each once and in order: after it has reconnected, it first delivers what it missed.`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title"
  font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="14">
<title id="title">${alt}</title>
<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="10" fill="#ffffff" stroke="${COLORS.line}"/>
${cutBand(x(cut.from), x(cut.to), seconds(cut.to - cut.from))}
${lanes.join("\n")}
${dots.join("\n")}
${axis(x, end)}
${legend()}
</svg>
`;
}

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const dot = (x, y, color) => `<circle cx="${x}" cy="${y.toFixed(1)}" r="3.6" fill="${color}"/>`;
const cross = (x, y) =>
  `<path d="M${x - 3.4} ${y - 3.4}l6.8 6.8m0-6.8l-6.8 6.8" stroke="${COLORS.lost}" stroke-width="1.8"/>`;

/** Messages that arrive together would cover each other: each is drawn above the one before. */
function stacked(messages) {
  let up = 0;
  return messages.map((message, index) => {
    up = index > 0 && message.at - messages[index - 1].at < 20 ? up + 1 : 0;
    return { ...message, up };
  });
}

function lane(y, name, result, x) {
  return `<text x="24" y="${y - 3}" fill="${COLORS.text}" font-weight="600">${name}</text>
<text x="24" y="${y + 15}" fill="${COLORS.muted}" font-size="12.5">${result}</text>
<path d="M${x(0)} ${y}H${WIDTH - RIGHT}" stroke="${COLORS.line}"/>`;
}

function cutBand(from, to, length) {
  const middle = (Number(from) + Number(to)) / 2;
  return `<rect x="${from}" y="44" width="${(to - from).toFixed(1)}" height="236" fill="#fdecea"/>
<text x="${middle}" y="36" fill="${COLORS.lost}" text-anchor="middle" font-weight="600">no connection, ${length}</text>`;
}

function axis(x, end) {
  const ticks = Array.from({ length: Math.floor(end / 1000) + 1 }, (_, second) => second);
  return ticks
    .map(
      (s) =>
        `<text x="${x(s * 1000)}" y="300" fill="${COLORS.muted}" font-size="12" text-anchor="middle">${s} s</text>`,
    )
    .join("\n");
}

function legend() {
  const entry = (at, mark, label) =>
    `${mark}<text x="${at + 10}" y="324" fill="${COLORS.muted}" font-size="12.5">${label}</text>`;
  return [
    entry(LEFT, dot(LEFT, 320, COLORS.dot), "as it is published"),
    entry(LEFT + 168, dot(LEFT + 168, 320, COLORS.late), "from the replay, after the reconnect"),
    entry(LEFT + 430, cross(LEFT + 430, 320), "never received"),
  ].join("\n");
}
