"""The look of a report: one style sheet, light and dark, and nothing from elsewhere."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --card: #ffffff; --ink: #1d2328; --soft: #68737d; --line: #e3e6e8;
  --ok: #9ccfa8; --changed: #e8b54a; --skipped: #d5dade; --failed: #d5443f;
  --ignored: #b48ad0; --unreachable: #8e1f1b; --good: #217a3c; --accent: #7d9cc9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --card: #1d2125; --ink: #e4e7ea; --soft: #97a1aa; --line: #31373c;
    --ok: #3d7a4d; --changed: #c8932a; --skipped: #3a4147; --failed: #e25c56;
    --ignored: #8d68a8; --unreachable: #ff8a84; --good: #6cc585; --accent: #5a7db0;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0; }
h2 { font-size: 17px; margin: 36px 0 10px; }
code, pre { font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
.verdict { font-weight: 600; margin: 4px 0 14px; }
.verdict.good { color: var(--good); } .verdict.bad { color: var(--failed); }
.facts { color: var(--soft); margin: 0 0 4px; }
.facts b { color: var(--ink); font-weight: 600; }
.command { display: block; overflow-x: auto; white-space: pre; color: var(--soft); }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 10px 16px; min-width: 112px; }
.tile b { display: block; font-size: 22px; line-height: 1.2; }
.tile span { color: var(--soft); font-size: 13px; }
.tile.bad b { color: var(--failed); } .tile.notice b { color: var(--changed); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 14px 16px; overflow-x: auto; }
.card + .card { margin-top: 12px; }
.failure { border-left: 4px solid var(--failed); }
.failure h3 { margin: 0; font-size: 15px; } .failure .at { color: var(--soft); }
.failure pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 8px 0 0; }
.failure dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 14px;
  margin: 10px 0 0; }
.failure dt { color: var(--soft); font-size: 13px; } .failure dd { margin: 0; min-width: 0; }
.failure dd pre { margin: 0; }
details summary { cursor: pointer; color: var(--soft); margin-top: 8px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th { color: var(--soft); font-weight: 500; font-size: 13px; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.zero { color: var(--soft); opacity: 0.5; }
td.changed { color: var(--changed); } td.failed, td.unreachable { color: var(--failed); }
td.changed, td.failed, td.unreachable { font-weight: 600; }
td .place { color: var(--soft); font-size: 13px; }
.bar { height: 10px; border-radius: 2px; background: var(--accent); min-width: 1px; }
td.share { width: 30%; vertical-align: middle; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; color: var(--soft); font-size: 13px;
  margin: 0 0 8px; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px;
  margin-right: 6px; vertical-align: -1px; }
.timeline { display: block; width: 100%; height: auto; min-width: 720px; }
.timeline text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; fill: var(--soft); }
.timeline .host { text-anchor: end; fill: var(--ink); }
.timeline .tick { text-anchor: middle; }
.timeline .grid { stroke: var(--line); }
.timeline rect:hover { stroke: var(--ink); }
.timeline .critical { stroke: var(--ink); stroke-width: 1.2; }
rect.ok { fill: var(--ok); } rect.changed { fill: var(--changed); }
rect.skipped { fill: var(--skipped); } rect.failed { fill: var(--failed); }
rect.ignored { fill: var(--ignored); } rect.unreachable { fill: var(--unreachable); }
i.ok { background: var(--ok); } i.changed { background: var(--changed); }
i.skipped { background: var(--skipped); } i.failed { background: var(--failed); }
i.ignored { background: var(--ignored); } i.unreachable { background: var(--unreachable); }
i.critical { border: 1.5px solid var(--ink); }
footer { color: var(--soft); font-size: 13px; margin-top: 40px; }
@media print { .card { break-inside: avoid; } }
"""
