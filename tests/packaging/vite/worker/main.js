const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => {
  const item = document.createElement("li");
  item.textContent = data;
  document.querySelector("ol").append(item);
};
worker.postMessage(new URLSearchParams(location.search).get("server"));
