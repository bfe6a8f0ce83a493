import { connection } from "next/server";
import { Feed } from "./Feed.jsx";
import { newest } from "./log.js";

/** Rendered on the server: the page has its content before any script runs. */
export default async function Page() {
  await connection(); // for each request
  const { messages, position } = await newest("feed", 20);
  return (
    <main>
      <h1>Feed</h1>
      <Feed first={messages} position={position} />
    </main>
  );
}
