// Drawing by hand: a small picture such as a digit, or a curve from left to right.
import { el } from "/page/element.js";

const SIDE = 224;

const pointer = (canvas, start, move, end) => {
  let down = false;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => { down = true; canvas.setPointerCapture(event.pointerId); start(...place(event)); });
  canvas.addEventListener("pointermove", (event) => { if (down) move(...place(event)); });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => { if (down) { down = false; end(); } });
};

// A picture in the training pictures' own colours: light on dark, or dark on light.
export const board = (input, done) => {
  const scale = SIDE / Math.max(input.width, input.height);
  const canvas = el("canvas", { class: "board", role: "img", "aria-label": "Draw here with a mouse, a pen or a finger", width: Math.round(input.width * scale), height: Math.round(input.height * scale) });
  const brush = canvas.getContext("2d");
  let empty = true;
  const clear = () => {
    brush.fillStyle = input.dark ? "black" : "white";
    brush.fillRect(0, 0, canvas.width, canvas.height);
    empty = true;
  };
  clear();
  brush.lineCap = brush.lineJoin = "round";
  pointer(canvas, (x, y) => {
    brush.lineWidth = SIDE / 12;
    brush.strokeStyle = input.dark ? "white" : "black";
    brush.beginPath();
    brush.moveTo(x, y);
    brush.lineTo(x, y + 0.1);
    brush.stroke();
    empty = false;
  }, (x, y) => { brush.lineTo(x, y); brush.stroke(); }, () => { if (!empty) canvas.toBlob(done, "image/png"); });
  const button = el("button", { type: "button", onclick: clear }, "Wipe");
  return { node: el("div", { class: "drawing-area" }, canvas, el("div", {}, el("p", {}, "Draw, and the answer follows each stroke."), button)), clear };
};

// A curve of as many steps as the model reads, in the range of the training series.
export const curveBoard = (input, done) => {
  const canvas = el("canvas", { class: "board curve", role: "img", "aria-label": "Draw a curve from left to right, or paste numbers below", width: 560, height: 176 });
  const brush = canvas.getContext("2d");
  let heights = [];
  const low = input.low ?? input.mean[0] - 3 * input.std[0], high = input.high ?? input.mean[0] + 3 * input.std[0];
  const ink = () => getComputedStyle(canvas).color;
  const paint = () => {
    brush.clearRect(0, 0, canvas.width, canvas.height);
    brush.strokeStyle = ink();
    brush.lineWidth = 2;
    brush.beginPath();
    heights.forEach((y, x) => { if (y !== undefined) brush.lineTo(x, y); });
    brush.stroke();
  };
  let last = null;
  const put = (x, y) => {
    const at = Math.max(0, Math.min(canvas.width - 1, Math.round(x))), to = Math.max(0, Math.min(canvas.height, y));
    const [from, height] = last ?? [at, to];
    const count = Math.abs(at - from);
    for (let i = 0; i <= count; i += 1) heights[from + Math.sign(at - from) * i] = height + (to - height) * (count ? i / count : 1);
    last = [at, to];
    paint();
  };
  const finish = () => {
    last = null;
    const known = Object.keys(heights).map(Number);
    if (known.length < 2) return;
    const first = Math.min(...known), end = Math.max(...known);
    const curve = Array.from({ length: input.length }, (_, i) => {
      let x = Math.round(first + (end - first) * i / Math.max(1, input.length - 1));
      while (heights[x] === undefined && x > first) x -= 1;
      return Number((low + (high - low) * (1 - heights[x] / canvas.height)).toPrecision(5));
    });
    done(curve);
  };
  pointer(canvas, (x, y) => { heights = []; put(x, y); }, put, finish);
  const clear = () => { heights = []; brush.clearRect(0, 0, canvas.width, canvas.height); };
  return { node: el("div", {}, el("p", { class: "hint" }, "Draw a curve from left to right:"), canvas), clear };
};
