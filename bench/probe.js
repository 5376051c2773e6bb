// Runs in the page before any of its scripts. It notes when each token could first be seen and counts what arrived on
// websockets. Counting here rather than through the browser driver keeps the frames themselves out of the measurement.
(() => {
  const probe = (window.__probe = { targets: [], samples: [], bytes: 0, messages: 0, sentAt: null, clickedAt: null });
  probe.now = () => performance.timeOrigin + performance.now();

  window.WebSocket = class extends window.WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        probe.messages += 1;
        probe.bytes += data.byteLength ?? data.size ?? data.length;
      });
    }
  };

  const answerOf = ({ css, index }) => document.querySelectorAll(css)[index];

  // The newest token is near the end, so the text is read backwards, and only as far as needed.
  function newestToken(element) {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.lastChild());
    let newest = -1;
    let read = 0;
    for (let node = walker.currentNode; node && (newest < 0 || read < 400); node = walker.previousNode()) {
      const text = node.nodeValue ?? "";
      read += text.length;
      for (const [, index] of text.matchAll(/\bt(\d+)\b/g)) newest = Math.max(newest, Number(index));
    }
    return newest;
  }

  let changed = false;
  function frame() {
    if (changed && probe.targets.length) {
      changed = false;
      const now = probe.now();
      probe.targets.forEach((target, model) => {
        const element = answerOf(target);
        const newest = element ? newestToken(element) : -1;
        const samples = probe.samples[model];
        if (newest > (samples.at(-1)?.[1] ?? -1)) samples.push([now, newest]);
      });
    }
    requestAnimationFrame(frame);
  }
  new MutationObserver(() => (changed = true)).observe(document, { childList: true, characterData: true, subtree: true });
  requestAnimationFrame(frame);

  probe.watch = (targets, input) => {
    const samples = targets.map(() => []);
    Object.assign(probe, { targets, input, samples, bytes: 0, messages: 0, sentAt: null, clickedAt: null, freeAt: null });
  };
  probe.progress = () => probe.samples.map((samples) => samples.at(-1)?.[1] ?? -1);

  // How many of the answer's tokens are on the page now, wherever they are in it.
  probe.shown = (count) =>
    probe.targets.map((target) => {
      const found = new Set((answerOf(target)?.textContent ?? "").match(/t\d+(?!\d)/g));
      let shown = 0;
      for (let index = 0; index < count; index += 1) shown += found.has(`t${index}`);
      return shown;
    });

  // Streamlit says on its root element whether a script is running; other apps have no such element.
  const stopSelector = '[data-testid="stChatInputStopButton"], .st-key-chat-stop button';
  probe.idle = () => {
    const state = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState;
    return state === undefined || state === "notRunning";
  };
  probe.free = () => {
    const input = document.querySelector(probe.input);
    return Boolean(input) && !input.disabled && probe.idle() && !document.querySelector(stopSelector);
  };
  function lookForFreeInput() {
    if (probe.free()) probe.freeAt = probe.now();
    else requestAnimationFrame(lookForFreeInput);
  }

  addEventListener("keydown", (key) => key.key === "Enter" && (probe.sentAt ??= probe.now()), true);
  addEventListener(
    "click",
    () => {
      Object.assign(probe, { clickedAt: probe.now(), freeAt: null });
      requestAnimationFrame(lookForFreeInput);
    },
    true,
  );
})();
