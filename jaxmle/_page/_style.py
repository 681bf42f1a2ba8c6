"""How pages look: on phones, on paper, in light and in dark. Text has a contrast of 4.5 and more."""

STYLE = """
:root{--page:#fff;--text:#1a1a1a;--soft:#595959;--line:#d0d0d0;--band:#f2f4f7;--link:#005a8c;
--pass:#00664a;--fail:#a83200;--blue:#0069a6;--orange:#9a6300;--green:#007a58;--vermillion:#b84a00;
--grey:#666;--shade:#0005}
@media screen and (prefers-color-scheme:dark){:root{--page:#14161a;--text:#e8e8e8;--soft:#b0b0b0;
--line:#454a52;--band:#20242a;--link:#7cc4f5;--pass:#4fd6a8;--fail:#ff9a66;--blue:#63b5ee;
--orange:#f0b030;--green:#35c99b;--vermillion:#ff8f52;--grey:#a8a8a8;--shade:#fff6}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--page);color:var(--text);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;
overflow-wrap:anywhere}
header p,footer p{color:var(--soft);margin:0 0 .5rem}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}
h1.pass{color:var(--pass)}
h1.fail{color:var(--fail)}
h2{font-size:1.25rem;margin:2rem 0 .5rem;padding-top:.5rem;border-top:1px solid var(--line)}
p,ul{max-width:45rem;margin:.5rem 0}
.figures{display:flex;flex-wrap:wrap;align-items:flex-end;gap:.5rem 2.5rem;margin:.75rem 0}
.figures dt{color:var(--soft);font-size:.9rem}
.figures dd{margin:0;font-size:1.5rem;line-height:1.2;font-weight:600;font-variant-numeric:tabular-nums}
.figures div:first-child dd{font-size:2.5rem}
.lead p{margin:.25rem 0}
a{color:var(--link)}
a:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.5rem}
nav ul{list-style:none;max-width:none;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
nav a{display:inline-block;padding:.25rem 0}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;overflow-wrap:normal;
min-width:16rem}
.wide table{width:100%}
caption{text-align:left;color:var(--soft);padding:.25rem 0;caption-side:top}
th,td{padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);text-align:right;
white-space:nowrap;vertical-align:top}
th{text-align:left;font-weight:600}
th.n{text-align:right}
td.w{text-align:left;white-space:normal}
thead th{vertical-align:bottom;white-space:normal;overflow-wrap:normal}
tbody th{font-weight:400;white-space:normal;min-width:8rem;max-width:20rem;overflow-wrap:break-word}
tr.total th,tr.total td{font-weight:600}
pre{background:var(--band);padding:.75rem;font-size:.85rem;white-space:pre-wrap}
figure{margin:1rem 0;max-width:42rem}
figcaption{color:var(--soft);font-size:.9rem}
svg{width:100%;height:auto;display:block;fill:currentColor}
svg *{stroke-linejoin:round;stroke-linecap:butt}
svg text{font-family:inherit}
@media screen{tbody th:first-child,thead th:first-child{position:sticky;left:0;
background:var(--page)}
.scroll{background:linear-gradient(90deg,var(--page) 50%,transparent) left/3rem 100% no-repeat local,
linear-gradient(270deg,var(--page) 50%,transparent) right/3rem 100% no-repeat local,
linear-gradient(90deg,var(--shade),transparent) left/1rem 100% no-repeat scroll,
linear-gradient(270deg,var(--shade),transparent) right/1rem 100% no-repeat scroll}}
@media screen and (min-width:72rem){
section{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 2rem;align-items:start}
section>h2,section>p,section>ul,section>pre,section>.wide,section>figure{grid-column:1/-1}
section>ul,section>p{max-width:60rem}
figure{max-width:none;display:grid;grid-template-columns:subgrid;align-items:center}
figure:has(+.scroll:not(.wide)){grid-column:auto;display:block}
.scroll:not(.wide) td{white-space:normal}}
@media screen and (max-width:68rem){.wide caption::after{content:" \\2194  scrolls sideways"}}
@media (max-width:30rem){.scroll:not(.wide) td{white-space:normal}
.figures{display:grid;grid-template-columns:1fr 1fr;gap:.5rem 1rem}
tbody th{min-width:5.5rem;max-width:8rem}th,td{padding-right:.6rem}
.scroll:not(.wide) tbody th{min-width:0}.scroll:not(.wide) :is(th,td){padding-right:.4rem}
h1{font-size:1.4rem}}
@media print{body{max-width:none;padding:0;font-size:10pt}nav,.skip{display:none}.scroll{overflow:visible}
table{font-size:7.3pt}th,td{padding-right:.3rem}
tbody th{min-width:2cm;max-width:9rem;overflow-wrap:anywhere}
figure,tr,h1,h2{break-inside:avoid}h2,caption{break-after:avoid}tr.total{break-before:avoid}
figure{max-width:13cm}figcaption{font-size:8.5pt}}
"""
