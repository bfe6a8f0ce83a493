import { useEffect, useState } from "react";
import { useChannel } from "seamline/react";

const EVERY_MS = 2000;
const AWAY_MS = 3 * EVERY_MS;

/**
 * The names of those who are here. Each client casts its name regularly. Casts are not stored: one that is missed is
 * followed by the next.
 */
export function usePresence(room, name) {
  const channel = useChannel(room);
  const [seen, setSeen] = useState({});

  useEffect(() => {
    const announce = () => channel.cast({ here: name });
    const off = channel.on("cast", ({ here, left }) => {
      setSeen((seen) => ({ ...seen, [here ?? left]: here ? Date.now() : 0 }));
    });
    const offLive = channel.on("live", announce);
    const timer = setInterval(() => {
      announce();
      setSeen((seen) => ({ ...seen })); // those who are away for too long disappear
    }, EVERY_MS);
    const leave = () => channel.cast({ left: name });
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
      clearInterval(timer);
      offLive();
      off();
    };
  }, [channel, name]);

  const others = Object.keys(seen).filter((other) => other !== name && Date.now() - seen[other] < AWAY_MS);
  return [name, ...others.sort()];
}
