"""A page to label on: one file, opened without a network, whose answers the browser saves as CSV."""

import base64
import hashlib
import json
from html import escape

from jaxmle._labeling._answers import Queue
from jaxmle._tables import FAILED, PASSED

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 46rem; padding: 1rem; }
header, footer { position: sticky; background: Canvas; padding: .5rem 0; }
header { top: 0; border-bottom: 1px solid GrayText; }
footer { bottom: 0; border-top: 1px solid GrayText; display: flex; flex-wrap: wrap; gap: .5rem; }
progress { width: 100%; }
h2 { font-size: 1rem; margin: 1rem 0 .25rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: inherit; }
button { font: inherit; padding: .4rem .9rem; }
.fail { color: #b00020; font-weight: bold; } .pass { color: #0a7d32; font-weight: bold; }
@media (prefers-color-scheme: dark) { .fail { color: #ff8a80; } .pass { color: #7ddf9b; } }
"""
# Texts of strangers reach the page through textContent alone.
_SCRIPT = """
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const key = "jaxmle-label-" + data.key;
// Answers by id, as JSON: no id is the name of what every object has.
const named = data.items.map((item) => JSON.stringify(item));
let said = {};
try { said = JSON.parse(localStorage.getItem(key) || "{}"); } catch (error) { said = {}; }
let place = Math.max(0, named.findIndex((name) => !(name in said)));
const byId = (name) => document.getElementById(name);
function show() {
  const done = Object.values(said).filter((one) => one).length;
  byId("progress").max = data.items.length;
  byId("progress").value = done;
  byId("count").textContent = done + " of " + data.items.length + " labelled";
  const item = byId("item");
  item.replaceChildren();
  const head = document.createElement("p");
  head.textContent = "Item " + (place + 1) + " of " + data.items.length + ": " + data.items[place].join(", ");
  item.append(head);
  data.columns.forEach((column, i) => {
    const name = document.createElement("h2");
    name.textContent = column;
    const text = document.createElement("pre");
    const value = data.rows[place][i];
    text.textContent = value === null ? "(none)" : value;
    item.append(name, text);
  });
  const state = byId("state");
  const label = said[named[place]];
  state.className = label || "";
  const word = label === data.failed ? "failure" : label === data.passed ? "pass" : "skipped";
  state.textContent = named[place] in said ? "You said: " + word : "Is this answer a failure?";
  window.scrollTo(0, 0);
}
function say(label) {
  said[named[place]] = label;
  try { localStorage.setItem(key, JSON.stringify(said)); } catch (error) { byId("note").hidden = false; }
  if (place < data.items.length - 1) place += 1;
  show();
}
function move(step) {
  place = Math.min(Math.max(place + step, 0), data.items.length - 1);
  show();
}
function save() {
  const quote = (text) => '"' + String(text).replaceAll('"', '""') + '"';
  const lines = [[...data.id, data.label]];
  data.items.forEach((item, i) => { if (named[i] in said) lines.push([...item, said[named[i]]]); });
  const text = lines.map((line) => line.map(quote).join(",")).join("\\n") + "\\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
  link.download = data.download;
  link.click();
}
byId("fail").onclick = () => say(data.failed);
byId("pass").onclick = () => say(data.passed);
byId("skip").onclick = () => say("");
byId("back").onclick = () => move(-1);
byId("next").onclick = () => move(1);
byId("save").onclick = save;
document.onkeydown = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = {f: () => say(data.failed), p: () => say(data.passed), s: () => say(""),
    b: () => move(-1), n: () => move(1)};
  if (keys[event.key]) keys[event.key]();
};
show();
"""


def label_page(queue: Queue, *, columns: tuple[str, ...], download: str, rater: str | None = None) -> str:
    """HTML that a person opens, labels on, and saves the answers of.

    Args:
        queue: The items.
        columns: Columns to show.
        download: Name of the file that the browser saves.
        rater: Who is to label on it, or None. What a browser keeps of a page is for this person and these
            items alone.
    """
    data = {
        "key": _key(queue, rater),
        "id": queue.id,
        "label": queue.label,
        "columns": columns,
        "items": queue.items,
        "rows": [[row[column] for column in columns] for row in queue.rows],
        "failed": FAILED,
        "passed": PASSED,
        "download": download,
    }
    # Inside a script element only "<" could end or change it.
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e")
    allowed = f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(allowed)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Labels: {escape(queue.path.name)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header><progress id="progress" aria-label="labelled"></progress><span id="count"></span>
<span id="note" hidden>This browser keeps nothing: save before you close the page.</span></header>
<main id="item"></main>
<footer><span id="state" role="status"></span>
<button id="fail">Failure (f)</button><button id="pass">Pass (p)</button><button id="skip">Skip (s)</button>
<button id="back">Back (b)</button><button id="next">Next (n)</button>
<button id="save">Save answers</button></footer>
<script type="application/json" id="data">{text}</script>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _key(queue: Queue, rater: str | None) -> str:
    """Digest of who labels which items."""
    rows = [[row[column] for column in (*queue.columns, *queue.verdicts)] for row in queue.rows]
    said = json.dumps([rater, queue.id, queue.items, queue.columns, queue.verdicts, rows])
    return hashlib.sha256(said.encode()).hexdigest()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
