import Room from "./Room.svelte";

new Room({ target: document.querySelector("#app") });
