// Numbers and counted nouns, in the page's language.

const format = new Intl.NumberFormat("en");

export function number(n) {
  return format.format(n);
}

export function plural(n, noun) {
  return `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** Text for a row: long ones are cut, so that no single message can make the page slow. */
export function shorten(text, limit = 500) {
  return text.length > limit ? `${text.slice(0, limit)} … (${plural(text.length, "character")})` : text;
}
