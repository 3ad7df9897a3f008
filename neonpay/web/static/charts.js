// The line above a chart reads what is pointed at, or what the arrow keys have come to. Without this script it keeps its first
// words, and the table below the chart has all figures.

for (const plot of document.querySelectorAll("[data-chart]")) {
  const figure = plot.closest("figure");
  const reading = figure?.querySelector("[data-reading]");
  const said = figure?.querySelector("[data-said]");
  const marks = [...plot.querySelectorAll("[data-figure]")];
  if (!reading || !marks.length) continue;
  const place = (name) => reading.querySelector(`[data-${name}]`);
  const now = () => ({ sign: place("sign").textContent, figure: place("number").textContent, unit: place("unit").textContent, words: place("words").textContent });
  const first = now();
  let at = -1;

  const show = ({ sign, figure: number, unit, words }) => {
    place("sign").textContent = sign;
    place("number").textContent = number;
    place("unit").textContent = unit;
    place("words").textContent = words;
    const star = reading.querySelector("svg");
    if (star) star.toggleAttribute("hidden", number === "");
  };
  const read = (next) => {
    marks[at]?.classList.remove("on");
    at = next;
    marks[at]?.classList.add("on");
    show(at < 0 ? first : marks[at].dataset);
  };
  plot.addEventListener("pointermove", (event) => {
    const next = marks.indexOf(event.target.closest("[data-figure]"));
    if (next >= 0 && next !== at) read(next);
  });
  plot.addEventListener("pointerleave", () => read(-1));
  plot.addEventListener("blur", () => read(-1));
  plot.addEventListener("keydown", (event) => {
    const last = marks.length - 1;
    const from = at < 0 ? last + (event.key === "ArrowLeft" ? 1 : 0) : at;
    const next = { ArrowRight: Math.min(last, from + 1), ArrowLeft: Math.max(0, from - 1), Home: 0, End: last }[event.key];
    if (event.key === "Escape") read(-1);
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    read(next);
    const { sign, figure: number, unit, words } = now();
    if (said) said.textContent = `${sign}${number} ${unit}. ${words}`;
  });
}
