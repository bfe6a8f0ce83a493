const env = { NEXT_TELEMETRY_DISABLED: "1" };

/** A page with a client component, and a route handler that follows the channel on the server. */
function rows(bundler) {
  const dev = `next dev ${bundler} --hostname 127.0.0.1 --port {port}`;
  const start = "next start --hostname 127.0.0.1 --port {port}";
  const build = `next build ${bundler}`;
  const clean = [".next"];
  const name = bundler.slice(2);
  return [
    { name: `dev, ${name}`, kind: "page", clean, serve: dev, env },
    { name: `dev, ${name}, route handler`, kind: "response", clean, serve: dev, path: "/follow", env },
    { name: `build, ${name}`, kind: "page", clean, build, serve: start, env },
    { name: `build, ${name}, route handler`, kind: "response", clean, build, serve: start, path: "/follow", env },
  ];
}

export default {
  group: "Frameworks",
  name: "Next.js",
  tools: ["next", "react"],
  rows: [...rows("--turbopack"), ...rows("--webpack")],
};
