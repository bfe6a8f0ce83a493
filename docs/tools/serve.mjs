// Serves the built site until it is stopped: `node docs/tools/serve.mjs [PORT]`.
import { serve } from "./site.mjs";

const { url } = await serve(Number(process.argv[2] ?? 0));
console.log(`\n  Seamline's documentation: ${url}\n  Press Ctrl-C to stop it.\n`);
