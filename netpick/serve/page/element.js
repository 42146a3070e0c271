// Elements from values: text is always text, never markup.
export const el = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (value === true) made.setAttribute(key, "");
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
};

export const svg = (name, attributes = {}, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children.flat());
  return made;
};

export const fill = (place, ...children) => place.replaceChildren(...children.flat().filter((child) => child));

export const number = (value) => {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return value.toLocaleString("en");
  return size >= 1e6 || (size > 0 && size < 1e-3) ? value.toExponential(3) : Number(value.toPrecision(5)).toLocaleString("en", { maximumFractionDigits: 6 });
};

export const percent = (value) => (value > 0.9995 && value < 1 ? "> 99.9 %" : `${(100 * value).toFixed(1)} %`);
