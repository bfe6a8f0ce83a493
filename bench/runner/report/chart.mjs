// A chart as SVG: groups of horizontal bars, each with its median, and a line from the minimum to the maximum. It has a
// background of its own, so that it can be read on light and on dark pages.
import { show } from "../support/results.mjs";

const WIDTH = 760;
const [LEFT, RIGHT] = [200, 120];
const [TOP, BAR, GAP, HEADING, BOTTOM] = [62, 18, 6, 30, 16];
const COLORS = {
  text: "#1f2933",
  muted: "#52606d",
  line: "#d2d9e0",
  ours: "#2f6f9f",
  before: "#8fb6d3",
  other: "#b4bcc5",
  spread: "#1f2933",
};

/**
 * @param {string} title
 * @param {"more" | "less"} better
 * @param {boolean} hasOwnScales whether the longest bar of each group is as long as the chart is wide
 * @param {{ name: string, bars: { name: string, median: number, min: number, max: number }[] }[]} groups
 */
export function chart(title, better, groups, hasOwnScales) {
  const most = (some) => Math.max(...some.flatMap(({ bars }) => bars.map(({ max }) => max)));
  const parts = [];
  let y = TOP;
  for (const { name, bars } of groups) {
    const longest = most(hasOwnScales ? [{ bars }] : groups);
    const x = (value) => LEFT + (value / longest) * (WIDTH - LEFT - RIGHT);
    if (name) parts.push(text(LEFT, y + 18, name, COLORS.muted, 'font-weight="600" font-size="13"'));
    y += name ? HEADING : GAP;
    for (const bar of bars) {
      parts.push(...drawn(bar, x, y));
      y += BAR + GAP;
    }
  }
  const height = y + BOTTOM;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title" \
font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="13">
<title id="title">${escaped(`${title}; ${better} is better. ${spoken(groups)}`)}</title>
<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="10" fill="#fff" stroke="${COLORS.line}"/>
${text(24, 32, title, COLORS.text, 'font-size="15" font-weight="600"')}
${text(24, 52, `${better} is better`, COLORS.muted)}
${parts.join("\n")}
</svg>
`;
}

function drawn({ name, median, min, max }, x, y) {
  const middle = y + BAR / 2;
  const end = Math.max(x(median), LEFT + 1);
  const label = Math.max(end, x(max)) + 8;
  return [
    text(LEFT - 10, middle + 4.5, name, COLORS.text, 'text-anchor="end"'),
    `<rect x="${LEFT}" y="${y}" width="${round(end - LEFT)}" height="${BAR}" rx="2" fill="${color(name)}"/>`,
    `<path d="M${round(x(min))} ${middle}H${round(x(max))}" stroke="${COLORS.spread}" stroke-width="1.2"/>`,
    text(round(label), middle + 4.5, show(median), COLORS.text),
  ];
}

function color(name) {
  if (name.startsWith("before")) return COLORS.before;
  return name.startsWith("seamline") ? COLORS.ours : COLORS.other;
}

const round = (value) => Number(value.toFixed(1));
const escaped = (content) => content.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const text = (x, y, content, fill, more = "") =>
  `<text x="${x}" y="${y}" fill="${fill}" ${more}>${escaped(content)}</text>`;
const spoken = (groups) =>
  groups
    .map(
      ({ name, bars }) =>
        `${name ? `${name}: ` : ""}${bars.map((bar) => `${bar.name} ${show(bar.median)}`).join(", ")}.`,
    )
    .join(" ");
