// The viewer's outside: its style sheet, its small buttons, and the keys that it leaves to others.

const CSS = `
  .viewer { position: relative; width: 100%; height: 100%; min-height: 120px; overflow: hidden; outline: none; border-radius: 4px; }
  .viewer:focus-visible { box-shadow: inset 0 0 0 2px #0072B2; }
  .viewer .stage, .viewer .labels { position: absolute; inset: 0; }
  .viewer .labels { pointer-events: none; width: 100%; height: 100%; }
  .viewer .note { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; padding: 24px;
    text-align: center; font: 400 15px/1.5 system-ui, Roboto, sans-serif; color: #5f6b76; pointer-events: none; }
  .viewer .note.problem { color: #8f2300; pointer-events: auto; user-select: text; }
  .viewer.dark .note { color: #a9b4be; } .viewer.dark .note.problem { color: #ff9b73; }
  .viewer .note:empty { display: none; }
  .viewer .buttons { position: absolute; top: 6px; right: 6px; display: flex; gap: 2px; opacity: 0.55; transition: opacity 0.15s; }
  .viewer:hover .buttons, .viewer .buttons:focus-within { opacity: 1; }
  .viewer button { width: 32px; height: 32px; padding: 6px; border: 0; border-radius: 16px; background: none; color: #3c4650; cursor: pointer; }
  .viewer.dark button { color: #d5dce3; }
  .viewer button:hover, .viewer button:focus-visible { background: rgba(128, 128, 128, 0.2); }
  .viewer svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
  .viewer .spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }`

const ICONS = {
  center: ["Centre the molecule", "M12 3v4M12 17v4M3 12h4M17 12h4M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8"],
  screenshot: ["Save a picture (PNG)", "M4 8h3l2-3h6l2 3h3v11H4zM12 10.5a3 3 0 1 0 0 6a3 3 0 0 0 0-6"],
  fullscreen: ["Full screen (F)", "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"],
}

function element(tag, className, parent) {
  const node = document.createElement(tag)
  node.className = className
  parent.appendChild(node)
  return node
}

/** Whether a key press belongs to something the user is typing into or operating. */
function isBusy(event) {
  const target = event.composedPath()[0]
  return target instanceof Element && target.closest(
    "input, textarea, select, button, a, [contenteditable], [role=slider], [role=tab], [role=button], [role=option], [role=combobox]") !== null
}
