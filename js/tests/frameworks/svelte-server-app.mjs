// What svelte.test.mjs renders with Svelte 5 as a server does.
import { render } from "svelte/server";
import App from "./App.svelte";
import Runes from "./Runes.svelte";

export const renderToString = (client) => render(App, { props: { client } }).body;
export const renderRunes = (client) => render(Runes, { props: { client } }).body;
