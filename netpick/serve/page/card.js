// The model card: the small part of Markdown that netpick writes (headings, lists, tables, code, bold), as elements.
import { el } from "/page/element.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const plain = (text) => text.replace(/\\([\\`*_{}[\]()#+!|~>.-])/g, "$1").replace(/&(lt|gt|amp);/g, (found) => ENTITIES[found]);

const inline = (text) => text.split(/(\*\*.+?\*\*|`[^`]+`)/).filter(Boolean).map((part) => {
  if (part.startsWith("**") && part.endsWith("**")) return el("b", {}, plain(part.slice(2, -2)));
  if (part.startsWith("`") && part.endsWith("`")) return el("code", {}, part.slice(1, -1));
  return plain(part);
});

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim());

const table = (lines) => {
  const [head, , ...rows] = lines.map(cells);
  const made = el("table", {}, el("thead", {}, el("tr", {}, head.map((cell) => el("th", { scope: "col" }, inline(cell))))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, inline(cell)))))));
  return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": head.join(", ") }, made);
};

export const markdown = (text) => {
  const lines = text.split("\n");
  const made = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    const heading = line.match(/^(#{1,4}) (.*)$/);
    const take = (test) => {
      const start = i;
      while (i < lines.length && test(lines[i])) i += 1;
      return lines.slice(start, i);
    };
    if (!line.trim()) i += 1;
    else if (line.startsWith("```")) {
      i += 1;
      const code = take((next) => !next.startsWith("```"));
      i += 1;
      made.push(el("pre", { tabindex: "0", "aria-label": "Commands" }, el("code", {}, code.join("\n"))));
    } else if (heading) {
      made.push(el(`h${Math.min(6, heading[1].length + 2)}`, {}, inline(heading[2])));
      i += 1;
    } else if (line.startsWith("- ")) made.push(el("ul", {}, take((next) => next.startsWith("- ")).map((item) => el("li", {}, inline(item.slice(2))))));
    else if (line.startsWith("|")) made.push(table(take((next) => next.startsWith("|"))));
    else made.push(el("p", {}, inline(take((next) => next.trim() && !/^(#|- |\||```)/.test(next)).join(" "))));
  }
  return made;
};
