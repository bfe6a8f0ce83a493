// The frames of `seamline.v1` as JSON. Texts and payloads stay here: the wasm decides what a frame means.
import { type Arguments, Incoming, Op, Start } from "./boundary.js";
import { numbered } from "./known.js";

/** The arguments of the call that reports a frame. */
type Report = [kind: Incoming, socket: number, ...fields: Arguments];

/**
 * The ops of the server, from {@link Incoming.Welcome} on, and their fields in the places of the call's arguments. `?`
 * may be missing; `#` is a count, `@` an id, `=` any value, and the others are texts.
 */
export const INCOMING = [
  "welcome session - #heartbeat_ms #max_frame_bytes",
  "subd ch epoch #head #first - ?at_epoch #at ?#ref",
  "live ch - #head - - - - ?#ref",
  "puback ch key #offset - - @id",
  "pubnack ch key ?#retry_after_ms - ?message code",
  "cast ch - - - =data",
  "pong",
  "incoming - - #bytes",
  "drain - - #reconnect_in_ms",
  "err ?ch - ?#retry_after_ms - ?message code - ?#ref",
].map((line) => line.split(" "));

/** The same of the client, by {@link Op}. The place `c` has a payload, where no field is named there. */
export const OUTGOING = [
  "hello client_id lineage v ordered - token",
  "sub ch - credit ref - - ahead ahead_bytes",
  "more ch - credit - - -",
  "unsub ch - - - - -",
  "pub ch key",
  "cast ch",
  "ack ch epoch - - offset id",
  "token token",
  "ping",
].map((line) => line.split(" "));

const ID = /^(\d{1,19}|1[0-7]\d{18})-(\d{1,19}|1[0-7]\d{18})$/;

/** Whether a value is what a field's mark asks for. */
const CHECKS: Record<string, (value: unknown) => boolean> = {
  "": (value) => typeof value === "string",
  "#": (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  // Two 64-bit numbers. The last 2 % of those would need more than a pattern, and no log has them.
  "@": (value) => typeof value === "string" && ID.test(value),
  "=": (value) => value !== undefined,
};

/** A message id that the server would accept, if it is one: an application may pass any text in a position. */
export function knownId(id: unknown): string | undefined {
  return CHECKS["@"]!(id) ? (id as string) : undefined;
}

/** Reads a frame from the server. Fields that it does not need are ignored, so that the protocol can grow. */
export function readFrame(socket: number, text: unknown): Report {
  const bad = (what: string): Report => [Incoming.BadFrame, socket, `the server sent a ${what}`];
  if (typeof text !== "string") return bad("binary frame");
  let frame: Record<string, unknown>;
  try {
    frame = JSON.parse(text);
  } catch {
    return bad("frame that is not JSON");
  }
  if (typeof frame !== "object" || !frame || Array.isArray(frame)) return bad("frame that is not a JSON object");
  const { op, ch, n, ids, data } = frame;
  if (op === "msgs") {
    const { length } = Array.isArray(ids) && Array.isArray(data) ? ids : "";
    const last = length && (ids as unknown[])[length - 1];
    const isValid = CHECKS[""]!(ch) && CHECKS["#"]!(n) && CHECKS["@"]!(last) && (data as unknown[]).length === length;
    if (!isValid) return bad("`msgs` frame without a valid `ch`, `n`, `ids` or `data`");
    const isReplay = +(frame.replay === true);
    return [
      Incoming.Messages,
      socket,
      ch as string,
      last as string,
      n as number,
      length,
      frame,
      "",
      text.length,
      isReplay,
    ];
  }
  const at = INCOMING.findIndex(([name]) => name === op);
  let missing: string | undefined;
  const fields = (INCOMING[at] ?? []).slice(1).map((field) => {
    const [, optional, mark, name] = /(\??)([#@=]?)(.+)/.exec(field) as unknown as [string, string, string, string];
    const value = frame[name];
    if (CHECKS[mark]!(value)) return name === "code" ? numbered(value as string) : value;
    if (!optional && name !== "-") missing ??= name;
    return undefined;
  });
  if (missing) return bad(`frame without a valid \`${missing}\`; its op is ${op}`);
  return [at < 0 ? Incoming.Unknown : Incoming.Welcome + at, socket, ...(fields as Arguments)];
}

/** Writes a frame for the server. A field that is `undefined` or `NaN` is left out. */
export function writeFrame(
  op: Op,
  ...values: [a: string, b: string, x: number, y: number, z: number, c: string, v: number, w: number]
): string {
  const [name, ...fields] = OUTGOING[op]!;
  const frame: Record<string, unknown> = { op: name };
  fields.forEach((field, i) => {
    if (!Object.is(values[i], NaN) && field !== "-") frame[field] = values[i];
  });
  const [, epoch, , , offset, c] = values;
  if (op === Op.Hello) frame.ordered = !!frame.ordered;
  if (op === Op.Sub) {
    if (offset === Start.Start) frame.from = "start";
    else if (offset === Start.Tail) frame.from = "tail";
    else if (epoch !== undefined) frame.position = { epoch, offset, id: c };
  }
  const text = JSON.stringify(frame);
  return op === Op.Pub || op === Op.Cast ? `${text.slice(0, -1)},"data":${c}}` : text;
}
