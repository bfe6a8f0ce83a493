// The page: two panes on one channel, and traffic for both.
import { publishSteadily } from "./backend.js";
import { Pane } from "./pane.js";
import { plural } from "./words.js";

const TRAFFIC_EVERY_MS = 100;

/** `?channel=name` names another channel. */
const channel = new URLSearchParams(location.search).get("channel") || "demo";

function openPanes() {
  const main = document.querySelector("#panes");
  const template = document.querySelector("#pane");
  document.querySelector("#channel").textContent = channel;
  document.querySelector("#second").href = location.href;
  main.replaceChildren();
  try {
    for (const name of ["Alice", "Bob"]) {
      main.append(template.content.cloneNode(true));
      new Pane(name, channel, main.lastElementChild);
    }
  } catch (error) {
    main.textContent = `Could not open the panes: ${error.message}`;
  }
}

function offerTraffic() {
  const button = document.querySelector("#traffic");
  const note = document.querySelector("#traffic-note");
  let stop;
  const show = (running) => {
    button.setAttribute("aria-pressed", String(running));
    button.textContent = running ? "Stop traffic" : "Start traffic";
  };
  button.addEventListener("click", () => {
    stop?.abort();
    stop = stop ? undefined : new AbortController();
    show(stop !== undefined);
    if (stop) void run(stop.signal);
  });
  const run = async (signal) => {
    const report = (text) => signal.aborted || (note.textContent = text);
    try {
      await publishSteadily(channel, TRAFFIC_EVERY_MS, (i) => ({ from: "Backend", text: `traffic ${i + 1}` }), {
        signal,
        onProgress: (count) => count % 50 === 0 && report(`${plural(count, "message")} published`),
        onRetry: () => report("The server does not answer. Retrying."),
      });
    } catch (error) {
      report(`Publishing failed: ${error.message}`);
      stop = undefined;
      show(false);
    }
  };
}

openPanes();
offerTraffic();
