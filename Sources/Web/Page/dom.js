// Elements without a framework, and none from strings.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    if (name === "on") for (const [event, heard] of Object.entries(value)) element.addEventListener(event, heard);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Sets a text where it is another, so that nothing is announced or laid out twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A table of rows of texts; the first cell of each heads its row. `texts` are columns of words. */
export function table(caption, heads, rows, texts = [0]) {
  const kind = (index) => (texts.includes(index) ? { class: "text" } : {});
  return html("table", {},
    html("caption", {}, caption),
    html("thead", {}, html("tr", {}, heads.map((head, index) => html("th", { scope: "col", ...kind(index) }, head)))),
    html("tbody", {}, rows.map((row) => html("tr", {}, row.map((cell, index) => index === 0
      ? html("th", { scope: "row", class: "text" }, cell)
      : html("td", kind(index), cell))))));
}

/** Keeps the focus where it is over a change that makes its element anew: `data-key` says which is the same. */
export function keepingFocus(element, change) {
  const key = element.contains(document.activeElement) ? document.activeElement.getAttribute("data-key") : null;
  const { scrollLeft, scrollTop } = element;
  change();
  element.scrollLeft = scrollLeft;
  element.scrollTop = scrollTop;
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
