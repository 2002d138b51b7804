// Two comforts over pages that work without them: plots that can be read off, and a page that stays current by itself.
"use strict";

const EVERY_MS = 10_000;
const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"];

function bytes(value) {
  let index = 0;
  let shown = value;
  while (Math.abs(shown) >= 999.95 && index < UNITS.length - 1) {
    shown /= 1000;
    index += 1;
  }
  return `${index === 0 ? Math.round(shown) : shown.toFixed(1).replace(/\.0$/, "")} ${UNITS[index]}`;
}

function seconds(value) {
  if (value < 120) return `${Number(value.toPrecision(3))} s`;
  return value < 7200 ? `${Math.round(value / 6) / 10} min` : `${Math.round(value / 360) / 10} h`;
}

const SHOW = { bytes, seconds, records: (value) => value.toLocaleString("en-GB") };

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function days(_, ticks, axis, space, step) {
  return ticks.map((at) => {
    const date = new Date(at * 1000);
    return step < 86_400 ? date.toISOString().slice(11, 16) : `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  });
}

function draw(box) {
  const { unit, title, at, values, lower, upper } = JSON.parse(box.dataset.plot);
  const show = SHOW[unit];
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--border"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const plot = new window.uPlot(
    {
      width: Math.max(240, box.clientWidth),
      height: 170,
      // Away from the plot, its legend says the newest value.
      hooks: {
        setCursor: [(u) => u.cursor.idx === null && u.setLegend({ idx: at.length - 1 })],
        ready: [(u) => u.setLegend({ idx: at.length - 1 })],
      },
      tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      scales: {
        y: {
          range: (_, low, high) => {
            // A band that is wide because little is known does not press the values flat.
            const most = Math.min(high, Math.max(...values) * 1.6);
            return [Math.min(0, low), most > 0 ? most * 1.08 : 1];
          },
        },
      },
      axes: [
        { ...axis, space: 64, values: days },
        { ...axis, size: 66, values: (_, ticks) => ticks.map(show) },
      ],
      series: [
        { label: "When (UTC)", value: (_, at) => (at === null ? "–" : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")) },
        {
          label: title,
          stroke: colour("--plot"),
          fill: colour("--plot-fill"),
          width: 1.5,
          points: { size: 5 },
          value: (_, value) => (value === null ? "–" : show(value)),
        },
        ...(lower === undefined
          ? []
          : ["Least expected", "Most expected"].map((label) => ({
              label,
              stroke: "transparent",
              points: { show: false },
              value: (_, value) => (value === null ? "–" : show(value)),
            }))),
      ],
      ...(lower === undefined ? {} : { bands: [{ series: [3, 2], fill: colour("--plot-band") }] }),
    },
    lower === undefined ? [at, values] : [at, values, lower, upper],
  );
  box.replaceChildren(plot.root);
  const picture = plot.root.querySelector(".u-wrap");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", box.dataset.label);
  for (const heading of plot.root.querySelectorAll(".u-legend th")) heading.scope = "row";
  box.classList.add("plotted");
  box.plot = plot;
}

function drawAll() {
  if (window.uPlot === undefined) return;
  for (const box of document.querySelectorAll("[data-plot]:not(.plotted)")) draw(box);
}

function redraw() {
  for (const box of document.querySelectorAll(".plotted")) {
    box.plot?.destroy();
    draw(box);
  }
}

// A long id is copied whole by a button, which says that it worked.
function offerCopies() {
  if (navigator.clipboard === undefined) return;
  for (const box of document.querySelectorAll("[data-copy]:not(:has(button))")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${box.dataset.copyWhat}`);
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(box.dataset.copy).then(
        () => (button.textContent = "Copied"),
        () => (button.textContent = "Not allowed"),
      );
    });
    box.append(button);
  }
}

// What the person has done to the page is carried over: folded-out parts, drawn plots, focus.
function carryOver(from, to) {
  for (const open of from.querySelectorAll("details[open][id]")) to.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  const unnamed = [...from.querySelectorAll("details:not([id])")];
  for (const [index, details] of [...to.querySelectorAll("details:not([id])")].entries()) details.open = unnamed[index]?.open ?? false;
  for (const choice of from.querySelectorAll("select[id]")) {
    const fresh = to.querySelector(`#${CSS.escape(choice.id)}`);
    if (fresh !== null) fresh.value = choice.value;
  }
  for (const box of to.querySelectorAll("[data-plot]")) {
    const drawn = [...from.querySelectorAll(".plotted")].find((old) => old.dataset.plot === box.dataset.plot);
    if (drawn !== undefined) box.replaceWith(drawn);
  }
}

function focusPath(root) {
  const steps = [];
  for (let node = document.activeElement; node !== root; node = node.parentElement) {
    if (node === null || node.parentElement === null) return null;
    steps.unshift([...node.parentElement.children].indexOf(node));
  }
  return steps;
}

function isBusy(main) {
  const selection = document.getSelection();
  if (selection !== null && !selection.isCollapsed) return true;
  return main.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
}

let etag = document.querySelector("main").innerHTML;

async function refresh() {
  const main = document.querySelector("main");
  if (document.hidden || isBusy(main)) return;
  const response = await fetch(location.href, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(EVERY_MS) });
  if (!response.ok) throw new Error(String(response.status));
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = fresh.querySelector("main");
  if (next === null || isBusy(main)) return;
  document.querySelector("footer").replaceChildren(...fresh.querySelector("footer").children);
  const markup = next.innerHTML;
  if (markup === etag) return;
  etag = markup;
  const path = focusPath(main);
  carryOver(main, next);
  main.replaceChildren(...next.childNodes);
  const focused = path === null ? undefined : path.reduce((node, index) => node?.children[index], main);
  if (focused !== undefined && focused !== main) focused.focus({ preventScroll: true });
  drawAll();
  offerCopies();
}

function say(text) {
  const line = document.querySelector("[data-refresh]");
  line.hidden = false;
  line.textContent = text;
}

async function keepCurrent() {
  try {
    await refresh();
    say(`Updates every ${EVERY_MS / 1000} s`);
  } catch {
    say("Not current: the agent does not answer");
  }
  setTimeout(keepCurrent, EVERY_MS);
}

drawAll();
offerCopies();
say(`Updates every ${EVERY_MS / 1000} s`);
setTimeout(keepCurrent, EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh().catch(() => say("Not current: the agent does not answer"));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  for (const box of document.querySelectorAll(".plotted")) box.plot?.setSize({ width: Math.max(240, box.clientWidth), height: 170 });
});
