// Elements made from data, and a page that follows them: each answer makes a new tree, and the old one is changed to be
// like it, so that focus, scrolling and what is being typed stay. All text is set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const LONGEST_TEXT = 300;

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  for (const child of children.flat(2)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child).slice(0, LONGEST_TEXT));
  }
  return node;
}

export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

// Makes `old` like `fresh`, which must be of the same kind. Nodes with `data-keep` have a life of their own: only what they
// show is handed on.
function follow(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.dataset.keep) {
    old.show(fresh.content);
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  followChildren(old, fresh);
  if (old.tagName === "SELECT" && document.activeElement !== old) {
    old.value = [...fresh.options].find((option) => option.defaultSelected)?.value ?? old.value;
  }
  if (old.tagName === "INPUT" && document.activeElement !== old) {
    old.value = fresh.value;
    old.checked = fresh.checked;
  }
}

const kind = (node) => `${node.nodeName} ${node.dataset?.key ?? ""} ${node.dataset?.keep ?? ""}`;

// Children with a `data-key` are found again wherever they have gone; the others by their place.
export function followChildren(old, fresh) {
  const keyed = new Map([...old.children].filter((child) => child.dataset.key).map((child) => [kind(child), child]));
  const all = [...fresh.childNodes]; // those that are taken over leave their parent
  all.forEach((wanted, place) => {
    let here = old.childNodes[place];
    if (wanted.dataset?.key && keyed.has(kind(wanted)) && keyed.get(kind(wanted)) !== here) {
      old.insertBefore(keyed.get(kind(wanted)), here ?? null);
      here = old.childNodes[place];
    }
    if (here && kind(here) === kind(wanted)) {
      follow(here, wanted);
    } else if (here && !here.dataset?.key) {
      here.replaceWith(wanted);
    } else {
      old.insertBefore(wanted, here ?? null);
    }
  });
  while (old.childNodes.length > all.length) old.lastChild.remove();
}
