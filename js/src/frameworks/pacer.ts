/** How long the next notification must wait after the last one. */
type Phase =
  | { _name: "idle" }
  | { _name: "soon" }
  | { _name: "paused"; _timer: ReturnType<typeof setTimeout>; _hasChanged: boolean };

const IDLE: Phase = { _name: "idle" };

/**
 * Notifies of changes: of the first one in a microtask, and of later ones together after a pause. So a single message
 * appears at once, and thousands cause a few notifications.
 */
export class Pacer {
  readonly #notify: () => void;
  #phase: Phase = IDLE;
  #pauseMs = 0;

  constructor(notify: () => void) {
    this.#notify = notify;
  }

  /** Something has changed. The notification is followed by a pause of `pauseMs`. */
  _change(pauseMs: number): void {
    this.#pauseMs = pauseMs;
    if (this.#phase._name === "paused") this.#phase._hasChanged = true;
    else if (this.#phase._name === "idle") this.#soon();
  }

  /** Something has changed, which is better shown with what comes next: the notification is after a pause. */
  _changeLater(pauseMs: number): void {
    if (this.#phase._name === "idle") {
      this.#pauseMs = pauseMs;
      this.#pause();
    }
    this._change(pauseMs);
  }

  /** Something has changed that ends the pause. */
  _changeNow(pauseMs: number): void {
    if (this.#phase._name === "paused") this._stop();
    this._change(pauseMs);
  }

  /** No notification follows. */
  _stop(): void {
    if (this.#phase._name === "paused") clearTimeout(this.#phase._timer);
    this.#phase = IDLE;
  }

  #soon(): void {
    const soon: Phase = { _name: "soon" };
    this.#phase = soon;
    void Promise.resolve().then(() => {
      if (this.#phase !== soon) return;
      this.#pause();
      this.#notify();
    });
  }

  #pause(): void {
    const end = () => {
      this.#phase = IDLE;
      if (!paused._hasChanged) return;
      this.#pause();
      this.#notify();
    };
    const paused = { _name: "paused" as const, _timer: setTimeout(end, this.#pauseMs), _hasChanged: false };
    this.#phase = paused;
  }
}

/**
 * Calls every listener, whatever the others do. They are the framework's, and in some frameworks run the application's
 * code at once.
 */
export function notify(listeners: Iterable<() => void>): void {
  for (const listener of [...listeners]) {
    try {
      listener();
    } catch (error) {
      console.error("seamline: a listener failed:", error);
    }
  }
}
