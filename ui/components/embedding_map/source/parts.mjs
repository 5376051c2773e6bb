// Bytes by name, shared by every instance of the component on the page. The name is what they begin with.

const NAME = 16;
const parts = new Map();
const waiting = new Set();

// Keep a copy of the bytes; their name.
export function hold(bytes) {
  const name = new TextDecoder().decode(bytes.subarray(0, NAME));
  const known = parts.get(name);
  if (known) known.holders += 1;
  else parts.set(name, { holders: 1, bytes: bytes.slice(NAME) });
  for (const look of [...waiting]) look();
  return name;
}

export function release(name) {
  const known = parts.get(name);
  if (known && --known.holders === 0) parts.delete(name);
}

// Call with the bytes of all these names, now or once they are there; what is returned gives up waiting.
export function whenThere(names, then) {
  const look = () => {
    if (!names.every((name) => parts.has(name))) return;
    waiting.delete(look);
    then(names.map((name) => parts.get(name).bytes));
  };
  waiting.add(look);
  look();
  return () => waiting.delete(look);
}
