// One item as SVG: its past, what the backtests expected of it, its forecast with 90% and 50% bands; the nearest step is
// read out.
const L = 56, R = 12, T = 14, B = 34;
const css = (name) => `var(--${name})`;
const day = (t) => t.replace("T00:00:00", "").replace("T", " ");
const short = (v) => v.toLocaleString("en", { maximumFractionDigits: v < 10 ? 2 : v < 100 ? 1 : 0 });
const pick = document.getElementById("item"), svg = document.getElementById("chart"), readout = document.getElementById("readout");
const BANDS = [["p05", "p95", "band90", "90% interval"], ["p10", "p90", "band90", "80% interval"], ["p25", "p75", "band50", "50% interval"]];

function bandsOf(ahead) {
  const there = BANDS.filter(([low, high]) => ahead[low] && ahead[high]);
  return there.some((b) => b[3] === "90% interval") ? there.filter((b) => b[3] !== "80% interval") : there;
}

function ticks(top) {
  const step = [1, 2, 2.5, 5, 10].map((f) => f * 10 ** Math.floor(Math.log10(top / 4 || 1))).find((s) => top / s <= 5);
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => i * step);
}

function draw(item) {
  // In the pixels of the screen, so that text has the same size on a phone.
  const W = svg.clientWidth || 1000, H = Math.min(380, Math.max(260, Math.round(W * 0.4)));
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  const median = item.ahead.p50 || item.ahead.mean || [], bands = bandsOf(item.ahead);
  const tested = item.behind.p50 || item.behind.mean || [], testedBands = bandsOf(item.behind);
  const times = [...new Set([...item.past.map((p) => p[0]), ...Object.values(item.ahead).flatMap((c) => c.map((p) => p[0]))])].sort();
  const place = new Map(times.map((t, i) => [t, i]));
  const all = [...item.past.map((p) => p[1]), ...bands.flatMap(([, high]) => item.ahead[high].map((p) => p[1])), ...median.map((p) => p[1]),
    ...tested.map((p) => p[1]), ...testedBands.flatMap(([, high]) => item.behind[high].map((p) => p[1]))];
  const top = Math.max(...all, 1e-9) * 1.06;
  const x = (t) => L + (place.get(t) / Math.max(1, times.length - 1)) * (W - L - R), y = (v) => H - B - (Math.max(0, v) / top) * (H - B - T);
  const line = (points) => points.map(([t, v], i) => `${i ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  const band = (low, high) => `${line(high)}${line([...low].reverse()).replace("M", "L")}Z`;
  const parts = [];
  for (const v of ticks(top)) parts.push(`<line x1="${L}" x2="${W - R}" y1="${y(v)}" y2="${y(v)}" stroke="${css("line")}"/>` +
    `<text x="${L - 8}" y="${y(v) + 4}" text-anchor="end" font-size="12" fill="${css("soft")}">${short(v)}</text>`);
  const every = Math.max(1, Math.ceil(times.length / Math.max(1, Math.floor((W - L) / (day(times[0]).length * 8 + 20)))));
  times.forEach((t, i) => i % every === 0 && parts.push(
    `<text x="${x(t)}" y="${H - 10}" font-size="12" text-anchor="${!i ? "start" : x(t) > W - 50 ? "end" : "middle"}" fill="${css("soft")}">${day(t)}</text>`));
  for (const [low, high] of testedBands.slice(0, 1)) parts.push(`<path d="${band(item.behind[low], item.behind[high])}" fill="${css("tested-band")}"/>`);
  if (tested.length) parts.push(`<path d="${line(tested)}" fill="none" stroke="${css("tested")}" stroke-width="1.8" stroke-dasharray="5 3"/>`);
  for (const [low, high, colour] of bands) parts.push(`<path d="${band(item.ahead[low], item.ahead[high])}" fill="${css(colour)}"/>`);
  if (median.length) {
    const from = x(median[0][0]);
    parts.push(`<line x1="${from}" x2="${from}" y1="${T}" y2="${H - B}" stroke="${css("soft")}" stroke-dasharray="3 4"/>`,
      `<text x="${from + 6}" y="${T + 10}" font-size="12" fill="${css("soft")}">forecast</text>`,
      `<path d="${line(median)}" fill="none" stroke="${css("accent")}" stroke-width="2.2"/>`);
  }
  parts.push(`<path d="${line(item.past)}" fill="none" stroke="${css("past")}" stroke-width="1.6"/>`, `<g id="cursor"></g>`);
  svg.innerHTML = parts.join("");
  document.getElementById("keys").innerHTML = [["past", "sold"], ...(tested.length ? [["tested", "backtest"]] : []),
    ["accent", "forecast"], ...bands.map((b) => [b[2], b[3]])]
    .map(([colour, text]) => `<span class="key"><i style="background:${css(colour)}"></i>${text}</span>`).join("");
  readout.textContent = "";
  svg.onmousemove = (event) => {
    const box = svg.getBoundingClientRect(), at = ((event.clientX - box.left) / box.width) * W;
    const i = Math.round(((at - L) / (W - L - R)) * (times.length - 1)), t = times[Math.min(times.length - 1, Math.max(0, i))];
    const value = (points) => (points || []).find((p) => p[0] === t)?.[1];
    const said = [["sold", value(item.past)], ["backtest", value(tested)], ...Object.keys(item.ahead).sort().map((c) => [c.toUpperCase(), value(item.ahead[c])])];
    readout.textContent = `${day(t)}: ` + said.filter(([, v]) => v !== undefined).map(([name, v]) => `${name} ${short(v)}`).join(" · ");
    document.getElementById("cursor").innerHTML = `<line x1="${x(t)}" x2="${x(t)}" y1="${T}" y2="${H - B}" stroke="${css("accent")}" opacity=".5"/>`;
  };
}

DATA.items.forEach((item, i) => pick.add(new Option(item.key, i)));
const show = () => DATA.items.length && draw(DATA.items[pick.value || 0]);
pick.onchange = show;
let width = innerWidth; // a phone's height changes as its bars come and go
window.onresize = () => { if (width !== innerWidth) show(); width = innerWidth; };
show();
