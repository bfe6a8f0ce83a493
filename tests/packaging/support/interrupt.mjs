// What is running ends with the runner, also when that is interrupted.
const running = new Set();

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, async () => {
    await Promise.allSettled([...running].map((stop) => stop()));
    process.exit(1);
  });
}

/** Calls `stop` if the runner is interrupted before the returned function is called. */
export function stopOnInterrupt(stop) {
  running.add(stop);
  return () => running.delete(stop);
}
