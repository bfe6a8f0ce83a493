// One pane: one client, its events, and the view of them.
import { drop } from "./backend.js";
import { Burst } from "./burst.js";
import { Check } from "./check.js";
import { Memory } from "./memory.js";
import { MessageList } from "./message-list.js";
import { Outbox } from "./outbox.js";
import { SeamStrip } from "./seam-strip.js";
import { connect } from "./seamline/index.js";
import { cut, isHeld, repeat, socketUrl } from "./sockets.js";
import { StateLine } from "./state-line.js";
import { Typing } from "./typing.js";
import { number, plural } from "./words.js";

/** Counts can change without a message: duplicates come alone. */
const LOOK_EVERY_MS = 500;
/** The first change is drawn in the next frame; a stream of them no more often than the eye can follow. */
const DRAW_EVERY_MS = 80;
/** Someone is watching. The default of 20 s between attempts is for pages in the background. */
const BACKOFF = { maxMs: 5000 };

export class Pane {
  #name;
  #refs = {};
  #client;
  #clientId;
  #room;
  #memory;
  #check;
  #list;
  #strip;
  #outbox;
  #typing;
  #burst;
  #counts = { replayed: 0, duplicates: 0, connects: 0 };
  /** Since the last reconnect: for the words at the seam. */
  #sinceReconnect = { replayed: 0, duplicates: 0 };
  #looked = false;
  #loadedAgain;
  #drawing = false;
  #drawnAt = 0;

  constructor(name, channel, section) {
    this.#name = name;
    for (const element of section.querySelectorAll("[data-ref]")) this.#refs[element.dataset.ref] = element;
    const refs = this.#refs;
    section.dataset.pane = name.toLowerCase();
    label(section, refs, name);

    this.#memory = new Memory(channel, name);
    const saved = this.#memory.load();
    this.#loadedAgain = saved.position !== undefined;
    this.#clientId = saved.clientId ?? `${name.toLowerCase()}-${Math.random().toString(36).slice(2, 10)}`;
    this.#check = new Check(saved.check);
    this.#strip = new SeamStrip(refs.strip, saved.strip);
    this.#list = new MessageList(refs, saved.list);
    if (saved.position)
      this.#list.mark("reload", `page reloaded; continues after offset ${number(saved.position.offset)}`);
    else this.#list.mark("reload", "new client: starts with new messages");

    // The position was saved together with what is shown, so nothing is shown twice or left out.
    // Without one, the server decides: where it last knew this client id to be, else at the tail.
    this.#client = connect(socketUrl(name), { clientId: this.#clientId, backoff: BACKOFF });
    this.#room = this.#client.channel(channel, saved.position ? { from: saved.position } : {});
    this.#outbox = new Outbox(this.#room, refs.outbox, () => this.#list.toEnd());
    this.#typing = new Typing(this.#room, name, refs.typing);
    this.#burst = new Burst(name, channel, refs, (text) => this.#note(text));
    this.#listen(section);
    this.#act();
    for (const { key, data } of saved.outbox ?? []) this.#outbox.publish(data, key);
    this.#keep();
    this.#changed();
  }

  #listen(section) {
    new StateLine(section, this.#refs, this.#client, this.#clientId, () => isHeld(this.#name));
    this.#client.on("state", () => this.#look());
    this.#client.on("error", (error) => this.#note(`Error: ${error.message}`));
    this.#room.on("error", (error) => this.#note(`Error: ${error.message}`));
    this.#room.on("message", (message) => this.#message(message));
    this.#room.on("gap", (gap) => this.#gap(gap));
    this.#room.on("live", () => {
      section.dataset.live = ""; // the tests wait for this
      this.#live();
    });
    setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  #message(message) {
    this.#lookOncePerFrame();
    const { offset, data, replayed } = message;
    if (replayed) {
      this.#counts.replayed++;
      this.#sinceReconnect.replayed++;
    }
    this.#check.message(message);
    this.#strip.add(replayed ? "replayed" : "live");
    // Anyone may publish anything to a channel.
    const from = typeof data?.from === "string" ? data.from.slice(0, 40) : "Someone";
    const text = typeof data?.text === "string" ? data.text : JSON.stringify(data);
    this.#list.message({ offset, from, text, own: data?.client === this.#clientId, replayed });
    this.#typing.wrote(from);
    this.#burst.message(message);
    this.#changed();
  }

  #gap(gap) {
    this.#look();
    this.#check.gap(gap);
    this.#strip.add("gap");
    const range =
      gap.to === undefined ? `from offset ${number(gap.from)}` : `offsets ${number(gap.from)} to ${number(gap.to)}`;
    this.#list.mark("gap", `gap, ${gap.reason}: ${range}`);
    this.#changed();
  }

  /** The replay has met the live stream. */
  #live() {
    this.#look();
    const { replayed, duplicates } = this.#sinceReconnect;
    if (replayed || duplicates) {
      const dropped = duplicates ? `, ${plural(duplicates, "duplicate")} dropped` : "";
      this.#list.mark("seam", `seam: ${number(replayed)} replayed${dropped}; live from here`);
    }
    this.#sinceReconnect = { replayed: 0, duplicates: 0 };
    this.#burst.live();
    this.#changed();
  }

  /** Reads what the client has counted since the last look. */
  #look() {
    const { duplicates, connects } = this.#client.stats();
    const more = duplicates - this.#counts.duplicates;
    if (connects > this.#counts.connects) {
      if (connects > 1) this.#list.mark("reconnect", "reconnected");
      if (connects > 1 || this.#loadedAgain) this.#strip.add("reconnect");
    }
    if (more > 0) this.#strip.add("duplicate", more);
    this.#sinceReconnect.duplicates += more;
    this.#counts = { ...this.#counts, duplicates, connects };
    this.#changed();
  }

  /** The messages of one WebSocket frame are delivered together: one look serves all of them. */
  #lookOncePerFrame() {
    if (this.#looked) return;
    this.#looked = true;
    queueMicrotask(() => (this.#looked = false));
    this.#look();
  }

  #act() {
    const { form, text, burst, ...buttons } = this.#refs;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (text.value.trim() === "") return;
      this.#outbox.publish({ from: this.#name, text: text.value, client: this.#clientId });
      this.#typing.published();
      text.value = "";
    });
    text.addEventListener("input", () => text.value && this.#typing.typed());
    buttons.cut.addEventListener("click", () => {
      this.#note(
        cut(this.#name) ? "The page closed the socket. The library was not notified." : "There is no open socket.",
      );
    });
    buttons.drop.addEventListener("click", async () => {
      try {
        const dropped = await drop(this.#clientId);
        this.#note(
          dropped
            ? "The server dropped the connection without a close frame."
            : "The server has no connection from this client.",
        );
      } catch (error) {
        this.#note(`Could not drop the connection: ${error.message}.`);
      }
    });
    burst.addEventListener("click", () => void this.#burst.run());
    buttons.repeat.addEventListener("click", () => {
      const repeated = repeat(this.#name);
      this.#note(
        repeated
          ? `Delivered ${plural(repeated, "message")} to the library again.`
          : "There is no open socket, or no message to repeat.",
      );
      this.#look();
    });
  }

  #note(text) {
    this.#refs.note.textContent = text;
  }

  /** Saves when the page may go away: between two events, so never in the middle of a handler. */
  #keep() {
    const save = () =>
      this.#memory.save({
        clientId: this.#clientId,
        position: this.#room.position,
        check: this.#check.save(),
        strip: this.#strip.save(),
        list: this.#list.save(),
        outbox: this.#outbox.save(),
      });
    addEventListener("pagehide", save);
    document.addEventListener("visibilitychange", save);
    setInterval(save, 2000); // a tab that crashes fires no event
  }

  #changed() {
    if (this.#drawing) return;
    this.#drawing = true;
    const wait = Math.max(0, this.#drawnAt + DRAW_EVERY_MS - performance.now());
    const draw = () =>
      requestAnimationFrame((now) => {
        this.#drawing = false;
        this.#drawnAt = now;
        this.#draw();
      });
    if (wait > 0) setTimeout(draw, wait);
    else draw();
  }

  #draw() {
    const refs = this.#refs;
    const { delivered, duplicates, gaps, connects, repairs } = this.#client.stats();
    const reconnects = Math.max(0, connects - 1);
    const counts = { delivered, replayed: this.#counts.replayed, duplicates, gaps, reconnects, repairs };
    for (const [name, count] of Object.entries(counts)) refs[name].textContent = number(count);
    refs.lastMessageId.textContent = this.#room.lastMessageId ?? "none yet";
    refs.offset.textContent = this.#room.position ? number(this.#room.position.offset) : "unknown";
    const { ok, text } = this.#check.verdict;
    refs.check.textContent = text;
    refs.check.classList.toggle("good", ok && this.#check.count > 0);
    refs.check.classList.toggle("wrong", !ok);
    this.#list.draw();
    this.#strip.draw();
  }
}

function label(section, refs, name) {
  refs.name.textContent = name;
  section.setAttribute("aria-label", name);
  refs.scroller.setAttribute("aria-label", `Messages in ${name}'s pane`);
  refs.buttons.setAttribute("aria-label", `Actions for ${name}`);
  refs.text.setAttribute("aria-label", `Message from ${name}`);
  refs.text.placeholder = `Write as ${name}`;
}
