export function append(text) {
  const item = document.createElement("li");
  item.textContent = text;
  document.querySelector("ol").append(item);
}
