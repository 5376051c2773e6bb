// The map as a Streamlit component. An instance that is given bytes holds a part of what is drawn (coordinates, classes, texts),
// draws nothing, and keeps it for the instance that is given an object: the map, which names its parts. So what did not change
// is not sent again with what did.

import { EmbeddingMap } from "./map.mjs";
import { hold, release, whenThere } from "./parts.mjs";

const held = new WeakMap(); // the part that an instance holds
const maps = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  return data instanceof Uint8Array ? part(parentElement, data) : map(parentElement, data, setStateValue);
}

function part(place, bytes) {
  const before = held.get(place);
  const name = hold(bytes);
  held.set(place, name);
  if (before !== undefined) release(before);
  return () => {
    if (held.get(place) !== name) return;
    held.delete(place);
    release(name);
  };
}

function map(place, data, setStateValue) {
  let shown = maps.get(place);
  if (shown === undefined) {
    shown = { map: new EmbeddingMap(place), waits: () => {} };
    maps.set(place, shown);
  }
  let told = 0;
  // The count makes the same choice a second time another value, for it is another event.
  shown.map.tells = (event, value) => setStateValue(event, value && { ...value, at: `${Date.now()}.${++told}` });
  shown.waits();
  shown.waits = whenThere(Object.values(data.parts), (found) => {
    const names = Object.keys(data.parts);
    shown.map.shows(data, Object.fromEntries(names.map((name, index) => [name, found[index]])));
  });
  return () => {
    if (maps.get(place) !== shown) return;
    shown.waits();
    shown.map.ends();
    maps.delete(place);
    place.replaceChildren();
  };
}
