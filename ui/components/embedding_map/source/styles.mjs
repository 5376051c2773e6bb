export const STYLES = `
:host { display: block; }
.map { font: 0.875rem/1.4 var(--st-font, system-ui, sans-serif); color: var(--st-text-color); display: flex; gap: 12px; position: relative; }
.map * { box-sizing: border-box; }
.plot { position: relative; flex: 1 1 0; min-width: 0; height: min(var(--height), 75vh); border-radius: var(--st-base-radius, 8px);
  border: 1px solid var(--st-border-color); background: var(--st-background-color); overflow: hidden; }
.plot canvas { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.surface { position: absolute; inset: 0; touch-action: none; cursor: grab; outline: none; user-select: none; -webkit-user-select: none; }
.surface:active { cursor: grabbing; }
.lassoing .surface { cursor: crosshair; }
.pointing .surface { cursor: pointer; }
.surface:focus-visible { box-shadow: inset 0 0 0 3px var(--st-primary-color); border-radius: inherit; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.tools { position: absolute; top: 10px; left: 10px; display: flex; flex-direction: column; border-radius: var(--st-base-radius, 8px);
  border: 1px solid var(--st-border-color); background: var(--st-background-color); overflow: hidden; }
.tools button { width: 34px; height: 34px; display: grid; place-items: center; }
.tools button:focus-visible { outline-offset: -3px; border-radius: 7px; }
.tools button + button { border-top: 1px solid var(--st-border-color); }
.tools button:hover { background: var(--st-secondary-background-color); }
.tools button[aria-pressed="true"] { background: var(--st-primary-color); color: #fff; }
.tools svg { width: 18px; height: 18px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.keys { display: none; position: absolute; right: 10px; top: 10px; max-width: calc(100% - 64px); padding: 8px 12px; pointer-events: none;
  font-size: 0.8rem; border-radius: var(--st-base-radius, 8px); border: 1px solid var(--st-border-color);
  background: color-mix(in srgb, var(--st-background-color) 94%, transparent); }
.surface:focus-visible:not(.known) ~ .keys, .with-keys .keys { display: block; }
.keys div { display: flex; gap: 8px; align-items: baseline; padding: 1px 0; }
.keys kbd { font: inherit; font-weight: 600; flex: 0 0 52px; text-align: right; }
.below { position: absolute; left: 10px; right: 10px; bottom: 8px; display: flex; flex-wrap: wrap; gap: 6px; align-items: center;
  font-size: 0.8rem; pointer-events: none; }
.below > * { background: color-mix(in srgb, var(--st-background-color) 88%, transparent); border-radius: 999px; padding: 1px 8px; }
.below .none { border-radius: 6px; }
.below button { pointer-events: auto; border: 1px solid var(--st-primary-color); color: var(--st-text-color); padding: 2px 10px; }
.below button:hover { background: var(--st-primary-color); color: #fff; }
.empty { position: absolute; inset: 0; display: grid; place-items: center; padding: 2rem; text-align: center; pointer-events: none;
  color: color-mix(in srgb, var(--st-text-color) 70%, transparent); }
.tip { position: absolute; left: 0; top: 0; max-width: min(320px, 80%); padding: 6px 10px; border-radius: 6px; pointer-events: none;
  background: var(--st-text-color); color: var(--st-background-color); box-shadow: 0 2px 8px rgb(0 0 0 / 25%); font-size: 0.82rem; overflow-wrap: anywhere; }
.tip .what { opacity: 0.75; display: flex; gap: 6px; align-items: center; }
.tip .dot { width: 8px; height: 8px; }
.dot { width: 10px; height: 10px; border-radius: 50%; flex: none; }
.legend { flex: 0 0 210px; max-height: min(var(--height), 75vh); overflow: auto; font-size: 0.85rem; }
.legend ul { list-style: none; margin: 0; padding: 2px; }
.legend li button { width: 100%; min-height: 28px; padding: 2px 8px; border-radius: 6px; display: flex; gap: 8px; align-items: center; text-align: left; }
.legend li button:hover { background: var(--st-secondary-background-color); }
.legend li button[aria-pressed="true"] { background: var(--st-secondary-background-color); font-weight: 600; }
.legend .name { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.legend .count { font-variant-numeric: tabular-nums; color: color-mix(in srgb, var(--st-text-color) 72%, transparent); }
.legend .faded .dot { opacity: 0.25; }
.scale { padding: 4px 8px 10px; }
.scale .title { margin-bottom: 6px; overflow-wrap: anywhere; }
.scale .bar { height: 10px; border-radius: 5px; }
.scale .ends { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; margin-top: 2px; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }
.narrow { flex-direction: column; gap: 6px; }
.narrow .tools { flex-direction: row; }
.narrow .tools button + button { border-top: 0; border-left: 1px solid var(--st-border-color); }
.narrow .plot { flex: none; height: min(var(--height), 50vh); }
.narrow .keys { top: 54px; }
.narrow .legend { flex: none; max-height: none; }
.narrow .legend ul { display: flex; flex-wrap: wrap; gap: 0 2px; }
.narrow .legend li { max-width: 100%; }
.narrow .legend li button { gap: 6px; padding: 2px 6px; }
@media (pointer: coarse) {
  .tools button { width: 44px; height: 44px; }
  .legend li button { min-height: 36px; }
  .tools .of-keys { display: none; }
  .below button { min-height: 44px; }
}
@media (forced-colors: active) { .dot, .bar, .plot canvas { forced-color-adjust: none; } }
`;
