// The board's script: draws the curves of runs in progress and says when a run has ended. It reads from this server alone.
(() => {
  "use strict";
  const live = document.getElementById("live");
  const status = document.getElementById("status");
  const shown = new Map(); // by run: where its next events begin, its curves, its elements
  const colours = ["blue", "orange", "green", "purple", "amber", "sky", "rose", "brown"];
  const every = { runs: 5000, events: 1500 };

  const make = (name, attributes = {}, ...children) => {
    const svg = ["svg", "path", "line", "circle", "text", "title"].includes(name);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const ask = async (path) => {
    const answer = await fetch(path, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.json();
  };

  // --- one run in progress ---
  const open = (name) => {
    const picture = make("svg", { role: "img", "aria-label": `Validation scores of ${name} so far` });
    const legend = make("ul", { class: "legend" });
    const body = make("tbody");
    const headings = ["Candidate", "Step", "Score"].map((text) => make("th", { scope: "col" }, text));
    const details = make("details", {}, make("summary", {}, "The same as a table"),
      make("div", { class: "fold" }, make("table", {}, make("thead", {}, make("tr", {}, ...headings)), body)));
    const line = make("p", {}, "Reading …");
    const box = make("section", { class: "live", "aria-label": `${name}, in progress` }, make("h2", {}, name), line, picture, legend, details);
    live.append(box);
    shown.set(name, { next: 0, curves: new Map(), metric: "", box, line, picture, legend, body });
    return shown.get(name);
  };
  const take = (run, events) => {
    for (const event of events) {
      run.line.textContent = event.text;
      const { candidate, step, steps, validation_score: score, metric } = event.data;
      if (event.stage !== "train" || candidate === undefined) continue;
      if (!run.curves.has(candidate)) run.curves.set(candidate, { points: [], steps: 1, failed: false });
      const curve = run.curves.get(candidate);
      if (event.data.failed) curve.failed = true;
      if (typeof steps === "number" && steps > 0) curve.steps = steps;
      if (typeof metric === "string") run.metric = metric.replaceAll("_", " ");
      if (typeof score !== "number" || typeof step !== "number") continue;
      const last = curve.points.at(-1);
      if (last && step <= last.step) curve.points = curve.points.filter((point) => point.step < step); // resumed
      curve.points.push({ step, score });
    }
  };
  const draw = (run) => {
    const curves = [...run.curves];
    const scores = curves.flatMap(([, curve]) => curve.points.slice(Math.floor(curve.points.length / 4)).map((point) => point.score));
    run.picture.hidden = scores.length === 0;
    run.picture.style.display = scores.length === 0 ? "none" : "";
    if (scores.length === 0) return;
    let low = Math.min(...scores);
    let high = Math.max(...scores);
    const margin = (high - low) * 0.08 || Math.abs(high) * 0.05 || 0.05;
    low -= margin;
    high += margin;
    const width = Math.max(240, run.box.clientWidth - 40);
    run.picture.setAttribute("viewBox", `0 0 ${width} 260`);
    const x = (share) => 52 + (width - 64) * Math.min(1, share);
    const y = (score) => 10 + 210 * (1 - Math.min(1, Math.max(0, (score - low) / (high - low))));
    const parts = [];
    for (let tick = 0; tick <= 4; tick++) {
      const value = low + (high - low) * tick / 4;
      parts.push(make("line", { class: "rule", x1: x(0), x2: x(1), y1: y(value), y2: y(value) }));
      parts.push(make("text", { x: 44, y: y(value) + 4, "text-anchor": "end" }, value.toPrecision(3)));
      if (width > 500 || tick % 2 === 0) parts.push(make("text", { x: x(tick / 4), y: 240, "text-anchor": tick === 4 ? "end" : tick ? "middle" : "start" }, `${25 * tick} %`));
    }
    parts.push(make("text", { x: x(0.5), y: 257, "text-anchor": "middle" }, width > 500 ? `share of each candidate's steps; ${run.metric} on validation rows` : `${run.metric} by share of the steps`));
    const names = [];
    const rows = [];
    curves.forEach(([name, curve], index) => {
      const colour = colours[index % colours.length];
      const places = curve.points.map((point) => [x(point.step / curve.steps), y(point.score)]);
      if (places.length > 1) parts.push(make("path", { class: colour, d: `M${places.map((place) => place.map((n) => n.toFixed(1)).join(" ")).join("L")}` }));
      if (places.length) parts.push(make("circle", { class: colour, cx: places.at(-1)[0], cy: places.at(-1)[1], r: 4 }));
      const last = curve.points.at(-1);
      const words = curve.failed ? "failed" : last ? last.score.toPrecision(4) : "begins";
      names.push(make("li", { class: colour }, `${name}: ${words}`));
      const cells = [`${last ? last.step : 0} of ${curve.steps}`, words].map((text) => make("td", {}, text));
      rows.push(make("tr", {}, make("th", { scope: "row" }, name), ...cells));
    });
    run.picture.replaceChildren(...parts);
    run.legend.replaceChildren(...names);
    run.body.replaceChildren(...rows);
  };

  addEventListener("resize", () => shown.forEach(draw));

  // --- asking, over and over; a server that is gone is said once ---
  let known = "";
  const look = async () => {
    try {
      const { runs } = await ask("/api/runs");
      const running = runs.filter((run) => run.state === "running").map((run) => run.name);
      for (const name of running) if (!shown.has(name)) open(name);
      const states = runs.map((run) => `${run.name}: ${run.state}`).join("\n");
      if (known && states !== known) location.reload(); // the table of runs has changed
      known = states;
    } catch {
      status.textContent = "The board does not answer. It has ended, or is starting again.";
    }
    setTimeout(look, every.runs);
  };
  const follow = async () => {
    for (const [name, run] of shown) {
      try {
        const answer = await ask(`/api/runs/${encodeURIComponent(name)}/events?from=${run.next}`);
        if (status.textContent) status.textContent = "";
        if (answer.next < run.next) run.curves.clear();
        run.next = answer.next;
        if (answer.events.length) {
          take(run, answer.events);
          draw(run);
        }
      } catch { /* `look` says it */ }
    }
    setTimeout(follow, every.events);
  };

  // --- theme: what the system says, until the button is pressed ---
  const toggle = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.style.colorScheme || (system.matches ? "dark" : "light")) === "dark";
  const themed = () => toggle.setAttribute("aria-pressed", String(isDark()));
  toggle.addEventListener("click", () => {
    root.style.colorScheme = isDark() ? "light" : "dark";
    themed();
  });
  system.addEventListener("change", themed);
  toggle.hidden = false;
  themed();

  look().then(follow);
})();
