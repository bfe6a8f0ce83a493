// Stands in for a language model: yields an answer in tokens, with pauses. Replace it with the stream of your model's SDK.
import { setTimeout as pause } from "node:timers/promises";

const ANSWER = `Each token of this answer is a message in a channel. The backend publishes it over HTTP, and the log \
numbers it. The page follows the channel from the start, so after a reload it gets the tokens that it has missed, and \
then the live ones, each once and in order.

Try it: reload this page now, open its address in a second tab, or go offline for a moment. The answer continues where \
it was, because the answer lives in the log and not in a request that the page has to keep open.`;

/** @param {string} question */
export async function* answer(question) {
  for (const token of `You asked: “${question}”\n\n${ANSWER}`.match(/\s*\S+/g)) {
    await pause(20 + 60 * Math.random());
    yield token;
  }
}
