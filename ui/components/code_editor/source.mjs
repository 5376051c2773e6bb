// A code editor as a Streamlit component: CodeMirror, with the text that Python gave and the faults that Python found.
//
// Python gives {text, revision, language, faults, label, height, editable}; it gets the state "edit", {text, revision}, and the
// trigger "ran" with the same. `revision` says when Python replaces the text: as long as it is the same, the text is the
// person's, and a rerun that comes late changes nothing. Everything from outside is set as text, never as HTML.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { forceLinting, lintGutter, lintKeymap, linter } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, StateEffect } from "@codemirror/state";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const QUIET_MS = 350; // so long nothing is typed before Python is told
const fromPython = Annotation.define();
const told = StateEffect.define(); // other faults than before
const editors = new WeakMap();

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.definitionKeyword, tags.moduleKeyword],
    color: "var(--st-violet-text-color)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--st-green-text-color)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--st-orange-text-color)" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.propertyName], color: "var(--st-blue-text-color)" },
  { tag: [tags.comment, tags.meta], color: "var(--st-gray-text-color)", fontStyle: "italic" },
]);

const looks = EditorView.theme({
  "&": {
    color: "var(--st-text-color)", backgroundColor: "var(--st-code-background-color)", fontSize: "0.875rem",
    border: "1px solid var(--st-border-color)", borderRadius: "var(--st-base-radius)", overflow: "hidden",
  },
  "&.cm-focused": { outline: "none", borderColor: "var(--st-primary-color)" },
  ".cm-scroller": { overflow: "auto", fontFamily: "var(--st-code-font, monospace)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--st-text-color)", padding: "8px 0" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--st-text-color)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--st-blue-background-color)",
  },
  ".cm-gutters": {
    backgroundColor: "transparent", color: "var(--st-gray-text-color)", border: "none",
    borderRight: "1px solid var(--st-border-color)",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--st-gray-background-color)" },
  ".cm-selectionMatch": { backgroundColor: "var(--st-yellow-background-color)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--st-green-background-color)" },
  ".cm-tooltip, .cm-panels": {
    backgroundColor: "var(--st-background-color)", color: "var(--st-text-color)", border: "1px solid var(--st-border-color)",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--st-primary-color)", color: "var(--st-background-color)",
  },
  ".cm-panels input, .cm-panels button": {
    backgroundColor: "var(--st-secondary-background-color)", backgroundImage: "none", color: "var(--st-text-color)",
    border: "1px solid var(--st-border-color)",
  },
  ".cm-panels label": { color: "var(--st-text-color)" },
});

const beside = `
  .below { display: flex; flex-wrap: wrap; gap: 0 1rem; font: 0.8rem var(--st-font, sans-serif); line-height: 1.5; margin-top: 4px; }
  .below p { margin: 0; overflow-wrap: anywhere; }
  .faults { color: var(--st-red-text-color); flex-basis: 100%; }
  .keys { color: var(--st-gray-text-color); visibility: hidden; }
  .editor:focus-within .keys { visibility: visible; }
`;

class Editor {
  constructor(root, data) {
    this.revision = data.revision;
    this.faults = [];
    this.timer = undefined;
    this.height = new Compartment();
    this.access = new Compartment();
    this.build(root);
    const language = data.language === "json" ? [json(), indentUnit.of("  ")] : [python(), indentUnit.of("    ")];
    const parsed = data.language === "json" ? jsonParseLinter() : () => [];
    this.view = new EditorView({
      root,
      parent: this.frame,
      state: EditorState.create({
        doc: data.text,
        extensions: [
          // First, for the editor's own Mod-Enter inserts a line.
          keymap.of([{ key: "Mod-Enter", run: () => this.run() }]),
          lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(),
          bracketMatching(), closeBrackets(), autocompletion(), highlightActiveLine(), highlightSelectionMatches(),
          keymap.of([
            ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap,
            indentWithTab, // Escape, then Tab, leaves: the editor's own rule
          ]),
          language, syntaxHighlighting(colours), looks,
          lintGutter(),
          linter((view) => [...(blank(view) ? [] : parsed(view)), ...this.diagnostics(view.state.doc)], {
            delay: QUIET_MS,
            needsRefresh: (update) => update.transactions.some((one) => one.effects.some((effect) => effect.is(told))),
          }),
          this.height.of([]), this.access.of([]),
          EditorView.updateListener.of((update) => this.changed(update)),
          EditorView.domEventHandlers({ blur: () => { this.flush(); } }),
        ],
      }),
    });
    this.sent = this.view.state.doc.toString();
    // Streamlit sends a value a task later than it is told, and a tap's blur and click are one task: a link that is tapped after
    // typing would be overtaken, and lead back here. The finger comes down long before.
    this.pressed = () => this.flush();
    document.addEventListener("pointerdown", this.pressed, true);
  }

  ends() {
    document.removeEventListener("pointerdown", this.pressed, true);
    this.flush();
    this.view.destroy();
  }

  build(root) {
    const style = document.createElement("style");
    style.textContent = beside;
    this.frame = document.createElement("div");
    this.frame.className = "editor";
    // Streamlit has shortcuts of one letter, and sees the host only, which is no input.
    this.frame.addEventListener("keydown", (event) => event.stopPropagation());
    const below = document.createElement("div");
    below.className = "below";
    this.said = document.createElement("div");
    this.said.className = "faults";
    this.said.setAttribute("role", "status");
    this.said.id = "said";
    this.keys = document.createElement("p");
    this.keys.className = "keys";
    this.keys.id = "keys";
    below.append(this.said, this.keys);
    root.append(style, this.frame);
    this.below = below;
  }

  // Take what Python gives now.
  shows(data) {
    if (data.revision !== this.revision) {
      this.revision = data.revision;
      clearTimeout(this.timer);
      const whole = { from: 0, to: this.view.state.doc.length, insert: data.text };
      this.view.dispatch({ changes: whole, selection: { anchor: 0 }, annotations: fromPython.of(true) });
      this.sent = this.view.state.doc.toString();
    }
    this.faults = data.faults;
    const heights = { minHeight: `${data.height}px`, maxHeight: `max(${data.height}px, 65vh)` };
    this.view.dispatch({
      effects: [
        told.of(null),
        this.height.reconfigure(EditorView.theme({ "&": { maxHeight: heights.maxHeight },
          ".cm-content, .cm-gutter": { minHeight: heights.minHeight } })),
        this.access.reconfigure([
          EditorState.readOnly.of(!data.editable),
          EditorView.contentAttributes.of({
            "aria-label": data.label, "aria-describedby": "said keys", spellcheck: "false",
            ...(data.faults.length ? { "aria-invalid": "true" } : {}),
          }),
        ]),
      ],
    });
    this.frame.append(this.below);
    this.say(data);
    forceLinting(this.view);
  }

  say(data) {
    const lines = data.faults.map((fault) => `Line ${fault.line}: ${fault.message}`);
    if (this.said.textContent !== lines.join("")) {
      this.said.replaceChildren(...lines.map((line) => {
        const said = document.createElement("p");
        said.textContent = line;
        return said;
      }));
    }
    const apple = /Mac|iP(hone|ad)/.test(navigator.userAgent);
    this.keys.textContent =
      `${data.runs ? `${apple ? "Cmd" : "Ctrl"}+Enter: ${data.runs}. ` : ""}Tab indents; Escape, then Tab, leaves.`;
  }

  diagnostics(doc) {
    return this.faults.filter((fault) => fault.line >= 1 && fault.line <= doc.lines).map((fault) => {
      const first = doc.line(fault.line);
      const last = doc.line(Math.min(doc.lines, Math.max(fault.line, fault.end_line ?? fault.line)));
      const start = first.from + Math.max(0, fault.column ? fault.column - 1 : first.text.search(/\S|$/));
      const from = Math.min(first.to, start);
      const to = Math.max(from, fault.end_column ? Math.min(last.to, last.from + fault.end_column - 1) : first.to);
      return { from, to, severity: "error", message: fault.message };
    });
  }

  changed(update) {
    if (!update.docChanged || update.transactions.some((one) => one.annotation(fromPython))) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), QUIET_MS);
  }

  edit() {
    return { text: this.view.state.doc.toString(), revision: this.revision };
  }

  flush() {
    clearTimeout(this.timer);
    const edit = this.edit();
    if (edit.text === this.sent) return;
    this.sent = edit.text;
    this.setState("edit", edit);
  }

  run() {
    this.flush();
    this.trigger("ran", this.edit()); // with the text: the one must not arrive without the other
    return true;
  }
}

function blank(view) {
  return view.state.doc.toString().trim() === "";
}

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  let editor = editors.get(parentElement);
  if (editor === undefined) {
    editor = new Editor(parentElement, data);
    editors.set(parentElement, editor);
  }
  editor.setState = setStateValue;
  editor.trigger = setTriggerValue;
  editor.shows(data);
  return () => {
    if (editors.get(parentElement) !== editor) return;
    editor.ends();
    editors.delete(parentElement);
    parentElement.replaceChildren();
  };
}
