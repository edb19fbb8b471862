"""The look of the HTML report: light and dark, no fonts or pictures from elsewhere."""

STYLE = """
.prepdata{--ink:#1b1f24;--dim:#5b6570;--line:#dfe3e8;--soft:#f4f6f8;--page:#fff;--red:#b3261e;--amber:#8a5a00;
--blue:#0b5cad;--green:#1a7f37;font:14px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);
max-width:72rem;padding:1.2rem 1.6rem}
.prepdata-page{margin:0;display:flex;justify-content:center}
.prepdata-page .prepdata{flex:1}
.prepdata h1{font-size:1.5rem;margin:.2rem 0}
.prepdata h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
.prepdata p{margin:.2rem 0}
.prepdata table{border-collapse:collapse;margin:.3rem 0}
.prepdata td,.prepdata th{border-bottom:1px solid var(--line);padding:.3rem 1rem .3rem 0;text-align:left;
vertical-align:top;background:none}
.prepdata th{color:var(--dim);font-weight:600}
.prepdata .bars td{border:0;padding:.05rem 1rem .05rem 0;vertical-align:middle}
.prepdata .list{width:100%;table-layout:fixed}
.prepdata .list td{overflow-wrap:anywhere}
.prepdata .list td:first-child{width:17rem}
.prepdata .n{text-align:right;font-variant-numeric:tabular-nums}
.prepdata .dim{color:var(--dim)}
.prepdata .error{color:var(--red)}.prepdata .warning{color:var(--amber)}.prepdata .info{color:var(--blue)}
.prepdata .ok{color:var(--green)}
.prepdata .badge{font-size:.75rem;font-weight:600;border:1px solid currentColor;border-radius:1rem;padding:0 .55rem;
vertical-align:middle}
.prepdata .tiles{display:flex;flex-wrap:wrap;gap:.7rem;margin:.9rem 0}
.prepdata .tile{background:var(--soft);border-radius:.5rem;padding:.5rem 1.1rem;min-width:5rem}
.prepdata .tile b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums}
.prepdata .tile span{color:var(--dim)}
.prepdata .bar{height:.75rem;background:var(--dim);border-radius:.15rem;margin-top:.3rem}
.prepdata .bars .bar{margin:0}
.prepdata .bar.error{background:var(--red)}.prepdata .bar.warning{background:#c98a12}
.prepdata .bar.info{background:var(--blue)}
.prepdata code,.prepdata pre{font:12px/1.5 ui-monospace,monospace;background:var(--soft);border-radius:.25rem;
overflow-wrap:anywhere;white-space:pre-wrap}
.prepdata code{padding:0 .3rem}
.prepdata pre{padding:.35rem .6rem;margin:.3rem 0}
.prepdata mark{background:#ffd9d6;color:#7a130d;border-radius:.15rem}
.prepdata details{border:1px solid var(--line);border-radius:.5rem;padding:.4rem .9rem;margin:.6rem 0}
.prepdata summary{cursor:pointer}
.prepdata tr:last-child td{border-bottom:0}
.prepdata a{color:inherit}
@media (prefers-color-scheme:dark){.prepdata-page{background:#15181c}
.prepdata-page .prepdata{--ink:#e4e7ea;--dim:#9aa4ae;--line:#31373e;--soft:#20252b;--page:#15181c;--red:#ff8a80;
--amber:#e5b567;--blue:#7ab8ff;--green:#6bd38a}.prepdata-page mark{background:#5c1f1a;color:#ffd9d6}}
"""
