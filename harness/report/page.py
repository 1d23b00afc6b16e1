"""The style sheet of the HTML report."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d232b; --soft: #5c6672; --page: #fff; --card: #f4f6f8; --line: #d9dee4;
  --good: #14713f; --bad: #b3261e; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #9aa5b1; --page: #14181d; --card: #1d232a; --line: #343c46;
  --good: #5cc98d; --bad: #f28b82; --warn: #f0c060; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 1260px; margin: 0 auto; padding: 28px 24px 64px; }
h1 { margin: 0; font-size: 27px; letter-spacing: -.01em; }
h2 { margin: 44px 0 12px; padding-bottom: 6px; border-bottom: 1px solid var(--line); font-size: 20px; }
h3 { margin: 26px 0 8px; font-size: 15px; }
.facts, .notes { color: var(--soft); font-size: 13px; }
.facts { margin: 4px 0 0; }
.notes { margin: 6px 0 0; }
.warning { margin: 14px 0 0; padding: 8px 12px; border-left: 4px solid var(--warn); background: var(--card); }
.headlines { list-style: none; margin: 20px 0 0; padding: 0; display: grid; gap: 10px; }
.headlines li { padding: 11px 15px; background: var(--card); border-left: 4px solid #3b7dd8; border-radius: 3px; }
.headlines b { display: block; }
.figures { display: flex; flex-wrap: wrap; gap: 22px 28px; margin: 18px 0; align-items: flex-start; }
figure { margin: 0; flex: 0 1 auto; min-width: 0; max-width: 100%; }
svg { display: block; max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
.wide svg { min-width: 660px; }
.sheet img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
.sheet figcaption { margin-top: 4px; color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 7px; text-align: right; white-space: nowrap; }
thead th { vertical-align: bottom; white-space: normal; font-weight: 600; font-size: 12.5px; color: var(--soft);
  border-bottom: 1px solid var(--line); }
thead button { all: unset; cursor: pointer; }
thead button:hover { color: var(--ink); }
thead button:focus-visible { outline: 2px solid #3b7dd8; outline-offset: 2px; }
[aria-sort=ascending] button::after { content: " \\25B2"; }
[aria-sort=descending] button::after { content: " \\25BC"; }
.text, .part th { text-align: left; }
.part th { padding-top: 10px; font-weight: 600; color: var(--soft); }
@media (max-width: 700px) { tbody td:first-child { position: sticky; left: 0; background: var(--page); } }
tbody tr:not(.part):hover { background: var(--card); }
td small { color: var(--soft); font-size: 12px; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.even { color: var(--soft); }
details { margin: 14px 0 0; }
summary { cursor: pointer; color: var(--soft); font-size: 14px; }
pre { padding: 12px 14px; background: var(--card); border-radius: 3px; overflow-x: auto; font-size: 13px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 5px 18px; margin: 12px 0 0; font-size: 14px; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 700px) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; } }
@media print { .scroll { overflow: visible; } }
"""
