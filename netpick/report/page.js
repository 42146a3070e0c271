// The report's script: unpacks plotly, draws the charts in the colours of the theme, switches between the drawings of a chart, turns the
// theme over, copies commands. Without it the page still says everything: each chart stands there as a table too.
(() => {
  "use strict";
  const root = document.documentElement;
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const plots = [...document.querySelectorAll(".plot[data-chart]")];
  const narrow = 640;

  // --- colours: plotly needs values, the style sheet has names whose values depend on the theme ---
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  let known = new Map();
  const colour = (name) => {
    if (!known.has(name)) {
      probe.style.color = `var(${name})`;
      known.set(name, getComputedStyle(probe).color);
    }
    return known.get(name);
  };
  const coloured = (value, key) => {
    if (Array.isArray(value)) return value.map((item) => coloured(item, key));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, coloured(item, name)]));
    }
    return typeof value === "string" && key === "color" && value.startsWith("--") ? colour(value) : value;
  };

  // --- drawing ---
  const axis = (own, small) => ({
    gridcolor: colour("--grid"), linecolor: colour("--strong-rule"), zeroline: false, ticks: "", automargin: true,
    fixedrange: true, hoverformat: ",.5~g", exponentformat: "SI", ...own,
    title: { ...own?.title, font: { size: 12, color: colour("--soft") }, standoff: small ? 4 : 10 },
    tickfont: { size: small ? 11 : 12, color: colour("--soft") },
  });
  const logTicks = (own) => {
    // One, two and five of each decade; plotly's own choice prints a bare 2 and 5 between the decades.
    if (own?.type !== "log") return own;
    const [low, high] = own.range;
    const places = [];
    for (let decade = Math.floor(low); decade <= high; decade++) {
      for (const digit of high - low > 3 ? [1] : [1, 2, 5]) places.push(digit * 10 ** decade);
    }
    const inside = places.filter((value) => Math.log10(value) >= low && Math.log10(value) <= high);
    const shown = (value) => Intl.NumberFormat("en", { notation: value >= 1e5 ? "compact" : "standard", maximumSignificantDigits: 2 }).format(value);
    return { ...own, tickvals: inside, ticktext: inside.map(shown) };
  };
  const layoutOf = (view, width) => {
    const own = view.layout;
    const small = Boolean(own.meta?.small);
    const slim = width < narrow;
    const named = own.annotations?.length > 0;
    return coloured({
      ...own,
      autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("--ink") },
      margin: small ? { l: 8, r: 4, t: 6, b: 8 } : { l: 8, r: 12, t: 8, b: 8 },
      xaxis: axis(logTicks(own.xaxis), small), yaxis: axis(own.yaxis, small),
      annotations: slim ? [] : own.annotations,
      showlegend: named ? slim : Boolean(own.showlegend),
      legend: slim
        ? {
            orientation: "h", xref: "container", x: 0, yref: "container", y: 0, yanchor: "bottom", font: { size: 11 },
            entrywidthmode: "fraction", entrywidth: 0.5, itemclick: false, itemdoubleclick: false,
          }
        : { font: { size: 12.5 }, x: 1.02, y: 1, itemclick: "toggle" },
      hovermode: "closest", dragmode: false, bargap: 0.04,
      hoverlabel: { bgcolor: colour("--paper"), bordercolor: colour("--strong-rule"), font: { color: colour("--ink"), size: 13 }, namelength: 40 },
    });
  };
  const draw = (plot) => {
    const view = charts[plot.dataset.chart].views[Number(plot.dataset.view ?? 0)];
    const layout = layoutOf(view, plot.clientWidth);
    // A legend below takes its lines from the chart's height, so the chart gets them back.
    plot.dataset.height ??= plot.offsetHeight;
    const lines = plot.clientWidth < narrow && layout.showlegend ? Math.ceil(view.data.length / 2) : 0;
    plot.style.height = `${Math.min(Number(plot.dataset.height), plot.clientWidth < narrow ? 330 : 1000) + 18 * lines}px`;
    Plotly.react(plot, coloured(view.data), layout, { displayModeBar: false, scrollZoom: false, doubleClick: false });
    plot.dataset.drawn = "true";
  };
  const drawAll = () => { if (typeof Plotly !== "undefined") plots.forEach(draw); };

  // --- switches ---
  for (const plot of plots) {
    const buttons = [...(plot.parentElement.querySelector(".switch")?.children ?? [])];
    buttons.forEach((button, index) => button.addEventListener("click", () => {
      plot.dataset.view = String(index);
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      if (typeof Plotly !== "undefined") draw(plot);
    }));
  }

  // --- theme: what the system says, until the button is pressed ---
  const toggle = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.style.colorScheme || (system.matches ? "dark" : "light")) === "dark";
  const themed = () => {
    toggle.setAttribute("aria-pressed", String(isDark()));
    known = new Map();
    drawAll();
  };
  toggle.addEventListener("click", () => {
    root.style.colorScheme = isDark() ? "light" : "dark";
    themed();
  });
  system.addEventListener("change", themed);
  toggle.hidden = false;

  // --- copying ---
  for (const button of document.querySelectorAll(".copy")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }

  // --- width: a chart that crosses the line between narrow and wide changes its layout, so all are drawn anew ---
  let width = innerWidth;
  let waiting = 0;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 120);
  });

  // --- plotly stands in the page packed (gzip, base64); the page's policy names the hash of its text ---
  const unpack = async () => {
    const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (letter) => letter.charCodeAt(0));
    const script = document.createElement("script");
    script.textContent = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    document.head.append(script);
    if (typeof Plotly === "undefined") throw new Error("plotly did not run");
  };
  themed();
  unpack().then(drawAll, () => root.classList.add("no-plots"));
})();
