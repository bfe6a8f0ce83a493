// The picture of a run, as SVG.

/** For wide pages, and for phones: there the names are above their lanes. */
export const WIDE = {
  width: 960,
  height: 336,
  left: 262,
  label: { x: 24, y: -3 },
  lanes: [84, 152, 256],
  legend: [[262], [430], [692]],
};
export const NARROW = {
  width: 400,
  height: 470,
  left: 24,
  label: { x: 24, y: -34 },
  lanes: [116, 206, 366],
  legend: [[24], [24, 20], [220]],
};

const RIGHT = 30;
const COLORS = { text: "#1f2933", muted: "#52606d", line: "#d2d9e0", dot: "#2f6f9f", late: "#0b8457", lost: "#c4372c" };

/** `run` has the times in milliseconds at which each message was published, and when each client received it. */
export function draw({ published, plain, seamline, cut }, layout) {
  const end = Math.max(...[published, plain, seamline].map((lane) => lane.at(-1).at)) + 200;
  const x = (ms) => layout.left + (ms / end) * (layout.width - layout.left - RIGHT);
  const [top, middle, bottom] = layout.lanes;
  const arrived = new Set(plain.map(({ number }) => number));
  const lost = published.filter(({ number }) => !arrived.has(number));
  const title = `${published.length} messages are published. There is no connection for ${seconds(cut)}. A WebSocket that \
reconnects receives ${plain.length} of them and loses ${lost.length}. Seamline delivers all ${seamline.length}, each \
once and in order: after it has reconnected, it first delivers what it missed.`;

  const parts = [
    cutBand(x(cut.from), x(cut.to), layout, seconds(cut)),
    lane(top, "Published", `${published.length} messages`, layout),
    lane(middle, "WebSocket that reconnects", `${plain.length} delivered, ${lost.length} lost`, layout),
    lane(bottom, "Seamline", `${seamline.length} delivered, each once, in order`, layout),
    ...published.map(({ at }) => dot(x(at), top, COLORS.dot)),
    ...plain.map(({ at }) => dot(x(at), middle, COLORS.dot)),
    ...lost.map(({ at }) => cross(x(at), middle)),
    ...stacked(seamline).map(({ at, up, replayed }) => dot(x(at), bottom - up, replayed ? COLORS.late : COLORS.dot)),
    ...axis(x, end, bottom + 44),
    ...legend(layout, bottom + 68),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${layout.height}" role="img" \
aria-labelledby="title" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="14">
<title id="title">${title}</title>
<rect x="0.5" y="0.5" width="${layout.width - 1}" height="${layout.height - 1}" rx="10" fill="#fff" stroke="${COLORS.line}"/>
${parts.join("\n")}
</svg>
`;
}

const seconds = ({ from, to }) => `${((to - from) / 1000).toFixed(1)} s`;
const round = (value) => Number(value.toFixed(1));
const text = (x, y, content, color, more = "") =>
  `<text x="${round(x)}" y="${y}" fill="${color}" ${more}>${content}</text>`;
const dot = (x, y, color) => `<circle cx="${round(x)}" cy="${round(y)}" r="3.6" fill="${color}"/>`;
const cross = (x, y) =>
  `<path d="M${round(x - 3.4)} ${y - 3.4}l6.8 6.8m0-6.8l-6.8 6.8" stroke="${COLORS.lost}" stroke-width="1.8"/>`;

/** Messages that arrive together would cover each other: each is drawn above the one before. */
function stacked(messages) {
  let up = 0;
  return messages.map((message, index) => {
    up = index > 0 && message.at - messages[index - 1].at < 20 ? up + 5.4 : 0;
    return { ...message, up };
  });
}

function lane(y, name, result, { width, left, label }) {
  return [
    text(label.x, y + label.y, name, COLORS.text, 'font-weight="600"'),
    text(label.x, y + label.y + 18, result, COLORS.muted, 'font-size="12.5"'),
    `<path d="M${left} ${y}H${width - RIGHT}" stroke="${COLORS.line}"/>`,
  ].join("\n");
}

function cutBand(from, to, { lanes }, length) {
  const label = text(
    (from + to) / 2,
    36,
    `no connection, ${length}`,
    COLORS.lost,
    'text-anchor="middle" font-weight="600"',
  );
  const height = lanes.at(-1) - 44 + 24;
  return `<rect x="${round(from)}" y="44" width="${round(to - from)}" height="${height}" fill="#fdecea"/>\n${label}`;
}

function axis(x, end, y) {
  const ticks = Array.from({ length: Math.floor(end / 1000) + 1 }, (_, second) => second);
  return ticks.map((s) => text(x(s * 1000), y, `${s} s`, COLORS.muted, 'font-size="12" text-anchor="middle"'));
}

function legend({ legend }, y) {
  const entries = [
    [(x, y) => dot(x, y, COLORS.dot), "as it is published"],
    [(x, y) => dot(x, y, COLORS.late), "from the replay, after the reconnect"],
    [cross, "never received"],
  ];
  return entries.map(([mark, label], index) => {
    const [x, down = 0] = legend[index];
    return `${mark(x, y + down - 4)}\n${text(x + 10, y + down, label, COLORS.muted, 'font-size="12.5"')}`;
  });
}
