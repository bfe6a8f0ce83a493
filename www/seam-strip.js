// The seam strip: the last few hundred messages as thin bars, newest at the right. The kinds differ
// in height as well as in colour, for those who cannot tell the colours apart. A long replay is drawn
// shortened, with its length written on it, so that what came before it stays in sight.
import { number } from "./words.js";

const BAR = 3;
const RUNS_KEPT = 400;
/** The longest run drawn with a bar for each message. */
const LONG_RUN = 40;
const SHORTENED = new Set(["replayed", "duplicate"]);
/** Top and bottom of each kind's bar, as parts of the height. */
const SHAPES = {
  live: [0.3, 1],
  replayed: [0, 1],
  duplicate: [0.6, 1],
  gap: [0, 1],
  reconnect: [0, 1],
};

export class SeamStrip {
  #canvas;
  /** Runs of one kind: `{ kind, count }`. */
  #runs;
  #style;

  /** @param runs what {@link SeamStrip.save} returned in an earlier load of the page */
  constructor(canvas, runs = []) {
    this.#canvas = canvas;
    this.#runs = runs;
    const restyle = () => {
      this.#style = undefined;
      this.draw();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
    new ResizeObserver(restyle).observe(canvas);
  }

  save() {
    return this.#runs;
  }

  add(kind, count = 1) {
    const last = this.#runs.at(-1);
    if (last?.kind === kind) last.count += count;
    else this.#runs.push({ kind, count });
    if (this.#runs.length > RUNS_KEPT) this.#runs.shift();
  }

  draw() {
    const canvas = this.#canvas;
    const scale = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * scale);
    const height = Math.round(canvas.clientHeight * scale);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.#style ??= readStyle(canvas);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    const bar = Math.max(2, Math.round(BAR * scale));
    const shown = {};
    let right = width;
    for (let i = this.#runs.length - 1; i >= 0 && right > 0; i--) {
      const { kind, count } = this.#runs[i];
      const shorten = count > LONG_RUN && SHORTENED.has(kind);
      const bars = Math.min(shorten ? LONG_RUN : count, Math.ceil(right / bar));
      const [top, bottom] = SHAPES[kind].map((part) => Math.round(part * height));
      context.fillStyle = this.#style[kind];
      if (shorten) {
        context.fillRect(right - bars * bar, 0, bars * bar - 1, height);
        this.#write(context, number(count), right - (bars * bar) / 2, height, scale);
      } else {
        const thin = kind === "gap" ? 0 : Math.round(scale);
        for (let j = 1; j <= bars; j++) context.fillRect(right - j * bar, top, bar - thin, bottom - top);
      }
      shown[kind] = (shown[kind] ?? 0) + (shorten ? count : bars);
      right -= bars * bar;
    }
    canvas.setAttribute("aria-label", describe(shown));
  }

  #write(context, text, middle, height, scale) {
    context.font = `600 ${12 * scale}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = this.#style.panel;
    context.fillText(text, middle, height / 2 + scale);
  }
}

/** The colours are the style sheet's. */
function readStyle(canvas) {
  const style = getComputedStyle(canvas);
  return Object.fromEntries(
    [...Object.keys(SHAPES), "panel"].map((name) => [name, style.getPropertyValue(`--${name}`)]),
  );
}

function describe(shown) {
  const parts = Object.entries(shown).map(([kind, count]) => `${number(count)} ${kind}`);
  return parts.length ? `From the newest: ${parts.join(", ")}` : "No messages yet";
}
