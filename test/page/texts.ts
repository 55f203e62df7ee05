/** What a reader reads on the page. Functions without arguments run in the page, and use nothing from out here. */

/** @returns every text that is there to be read, also by a screen reader, in its order */
export function textsOf(): string[] {
  const texts: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node instanceof Text) {
      const isShown = node.parentElement?.checkVisibility({ visibilityProperty: true, opacityProperty: true });
      const text = node.data.trim();
      if (isShown && text !== "") texts.push(text);
    } else if (node instanceof Element && node.checkVisibility()) {
      for (const name of ["aria-label", "placeholder", "title", "alt"]) {
        const text = node.getAttribute(name);
        if (text !== null) texts.push(text);
      }
    }
  }
  return texts;
}

/** @returns texts that are cut off by the window or by what they stand in, unless it scrolls or they are meant for ears */
export function hiddenTexts(): string[] {
  const hidden: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const parent = node.parentElement;
    const text = node.textContent?.trim() ?? "";
    if (text === "" || parent === null || !parent.checkVisibility()) continue;
    if (parent.closest(".unseen, .skip, thead, option, noscript") !== null) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const { left, right, width, height } = range.getBoundingClientRect();
    const isInWindow = left >= -1 && right <= innerWidth + 1 && width > 0 && height > 0;
    let isWhole = isInWindow;
    for (let box: Element | null = parent; box !== null && isWhole; box = box.parentElement) {
      const { overflowX } = getComputedStyle(box);
      const rect = box.getBoundingClientRect();
      const clips = overflowX === "hidden" || overflowX === "clip";
      if (clips && (left < rect.left - 1 || right > rect.right + 1)) isWhole = false;
    }
    if (!isWhole) hidden.push(`${text} ${Math.round(left)}–${Math.round(right)}`);
  }
  return hidden;
}

/** @returns what tells a screen reader, a tab or a search where one is */
export function outlineOf() {
  const headings = [...document.querySelectorAll("h1, h2, h3, h4")].filter((one) => one.checkVisibility());
  const levels = headings.map(({ tagName }) => Number(tagName.slice(1)));
  return {
    language: document.documentElement.lang,
    title: document.title,
    main: document.querySelectorAll("main").length,
    banner: document.querySelectorAll("header").length,
    firstHeadings: headings.filter(({ tagName }) => tagName === "H1").map(({ textContent }) => textContent ?? ""),
    /** Headings more than one level below the one before them. */
    jumps: headings
      .filter((_, index) => (levels[index] ?? 0) > (levels[index - 1] ?? 0) + 1)
      .map(({ textContent }) => textContent),
  };
}

/** @returns words in Latin letters, without those names, ids, addresses, codes in capitals and units of time */
export function foreignWords(texts: readonly string[], names: readonly string[]): string[] {
  const longestFirst = names.toSorted((one, other) => other.length - one.length);
  const found = texts.flatMap((text) => {
    const rest = longestFirst
      .reduce((left, name) => left.replaceAll(name, " "), text)
      .replaceAll(
        /https?:\/\/[!-~]+|[\w.]+@[\w.]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[A-Z]+\w*_\d{4}-\d\d-\d\d/g,
        " ",
      );
    return rest.match(/[A-Za-z]{2,}/g) ?? [];
  });
  return [...new Set(found)];
}
