// The map as a page of its own: what Python would send is in the page.

import { EmbeddingMap } from "./map.mjs";

const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const { data, parts } = JSON.parse(document.getElementById("map-data").textContent);
const map = new EmbeddingMap(document.getElementById("map").attachShadow({ mode: "open" }));
const content = Object.fromEntries(Object.entries(parts).map(([name, base64]) => [name, bytes(base64)]));
const show = () => map.shows(data, content);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
show();
