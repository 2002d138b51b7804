// Runs inside of the page: each function is sent there alone, so it may use nothing but what it holds itself.

export function overflow() {
  return document.documentElement.scrollWidth - innerWidth;
}

/** Every visible text whose contrast with what lies behind it is under WCAG AA: 4.5, or 3 for large text. */
/* oxlint-disable unicorn/consistent-function-scoping -- what runs in the page must hold all it uses */
export function faintTexts() {
  const numbers = (colour) => {
    const [r = 0, g = 0, b = 0, a = 1] = (colour.match(/[\d.]+/gu) ?? []).map(Number);
    return [r, g, b, a];
  };
  const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (let node = element; node !== null; node = node.parentElement) {
      const colour = numbers(getComputedStyle(node).backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] > 0) throw new Error(`a background one sees through: ${node.tagName} ${node.className}`);
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.textContent)
      .join(" ")
      .trim();
    const box = element.getBoundingClientRect();
    if (own === "" || box.width <= 1 || box.height <= 1) continue;
    const style = getComputedStyle(element);
    const colour = numbers(element instanceof SVGElement ? style.fill : style.color);
    const [light, dark] = [luminance(colour), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faint.push({ text: own.slice(0, 60), ratio: Math.round(ratio * 100) / 100 });
  }
  return faint;
}

/** What has the focus and whether it can be seen; null when nothing has. */
export function focused() {
  const element = document.activeElement;
  if (element === null || element === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    id: element.id,
    name: element.textContent.replaceAll(/\s+/gu, " ").trim(),
    outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    onScreen: box.left >= 0 && box.width > 1,
    inMain: document.querySelector("main").contains(element),
  };
}

export function selectHeadline() {
  document.getSelection().selectAllChildren(document.querySelector("h1"));
}

export function selectNothing() {
  document.getSelection().removeAllRanges();
}

export function isOpen(details) {
  return details.open;
}

export function markAsTheSame(element) {
  element.classList.add("the-same");
}
