/** A frame of `seamline.v1`, in either direction, as far as the hub reads it. */
export interface Frame {
  readonly op: string;
  readonly ch?: string;
  readonly ref?: number;
  readonly [field: string]: unknown;
}

/** Parses a frame; `undefined` if it is none. The client of each tab decides what that means. */
export function parse(text: string): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(text);
    return typeof (frame as Frame | null)?.op === "string" ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}

export function write(op: string, fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ op, ...fields });
}

/** A field that must be a count. */
export function count(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : 0;
}
