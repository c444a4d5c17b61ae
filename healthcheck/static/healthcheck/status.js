/* Keeps an open status page current: fetches the page again, swaps the parts that changed, and says so when it cannot. */
"use strict";

(() => {
  const FETCH_TIMEOUT_MS = 8000;
  // A tab that slept for so many rounds shows old news until the next answer arrives.
  const MISSED_ROUNDS = 3;
  const FOCUSABLE = "summary, a, [tabindex]";

  const live = document.getElementById("hc-live");
  const outdated = document.getElementById("hc-outdated");
  if (!live || !outdated || !window.fetch || !window.AbortController) return;

  const everyMs = Number(live.dataset.refreshSeconds) * 1000;
  const choices = new Map();
  let served = readParts(live);
  let newestAt = Date.now();
  let timer = 0;
  let isFetching = false;

  function readParts(root) {
    return new Map([...root.querySelectorAll("[data-part]")].map((part) => [part.id, part.outerHTML]));
  }

  function markOutdated() {
    const since = new Date(newestAt);
    const time = document.getElementById("hc-outdated-since");
    time.dateTime = since.toISOString();
    time.textContent = since.toLocaleTimeString(document.documentElement.lang);
    outdated.hidden = false;
    live.classList.add("hc-is-outdated");
  }

  function markCurrent() {
    newestAt = Date.now();
    outdated.hidden = true;
    live.classList.remove("hc-is-outdated");
  }

  function keepChoices(root) {
    for (const [id, isOpen] of choices) {
      const group = root.querySelector(`details[id="${id}"]`);
      if (group) group.open = isOpen;
    }
  }

  function swapParts(fresh, parts) {
    const hasSameParts = [...parts.keys()].join() === [...served.keys()].join();
    if (!hasSameParts) {
      live.replaceChildren(...fresh.childNodes);
      return;
    }
    for (const [id, html] of parts) {
      if (html !== served.get(id)) document.getElementById(id).replaceWith(fresh.querySelector(`[id="${id}"]`));
    }
  }

  function readNews() {
    return ["hc-verdict-sentence", "hc-announcement-text"].map((id) => document.getElementById(id)?.textContent.trim() ?? "");
  }

  // Politely, and only what is new: the verdict, or what the page's owner has to say.
  function announceNews(before) {
    const news = readNews().filter((text, place) => text && text !== before[place]);
    if (news.length) document.getElementById("hc-announce").textContent = news.join(" ");
  }

  function describeFocus() {
    const part = document.activeElement?.closest("[data-part]");
    return part && { part: part.id, place: [...part.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement) };
  }

  function show(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.getElementById("hc-live");
    if (!fresh) throw new Error("not a status page");
    const parts = readParts(fresh);
    const before = readNews();
    const focused = describeFocus();
    keepChoices(fresh);
    swapParts(fresh, parts);
    served = parts;
    if (focused && document.activeElement === document.body) {
      document.getElementById(focused.part)?.querySelectorAll(FOCUSABLE)[focused.place]?.focus({ preventScroll: true });
    }
    document.title = page.title;
    document.getElementById("hc-favicon").href = page.getElementById("hc-favicon").getAttribute("href");
    announceNews(before);
  }

  async function fetchPage() {
    const abort = new AbortController();
    const limit = setTimeout(() => abort.abort(), FETCH_TIMEOUT_MS);
    try {
      const response = await fetch(location.href, { cache: "no-cache", credentials: "same-origin", signal: abort.signal });
      if (!response.ok) throw new Error(String(response.status));
      return await response.text();
    } finally {
      clearTimeout(limit);
    }
  }

  async function refresh() {
    if (isFetching) return;
    isFetching = true;
    clearTimeout(timer);
    if (Date.now() - newestAt > MISSED_ROUNDS * everyMs) markOutdated();
    try {
      show(await fetchPage());
      markCurrent();
    } catch {
      markOutdated();
    }
    isFetching = false;
    timer = setTimeout(refresh, everyMs);
  }

  live.addEventListener("click", (event) => {
    const group = event.target.closest("summary")?.parentElement;
    if (group) choices.set(group.id, !group.open);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") refresh();
  });
  // A page restored from the browser's memory is as old as it was when it was left.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) refresh();
  });
  timer = setTimeout(refresh, everyMs);
})();
