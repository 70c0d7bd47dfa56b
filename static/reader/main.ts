/** Reads an archive: a list, and a page for every investor. */

import { openArchive, type Archive } from "./data";
import { el } from "./dom";
import { drawList } from "./list";
import { drawOne } from "./one";

function begin(archive: Archive, main: HTMLElement): () => void {
  const made = document.getElementById("made");
  if (made) made.textContent = `as of ${archive.head.made}, ${archive.head.zone}`;
  let onData: () => void = () => undefined;
  let scrolled = 0;
  const route = (moved: boolean): void => {
    const place = /^#\/i\/(\d+)$/.exec(location.hash);
    if (place) {
      const at = Number(place[1]) - 1;
      if (moved) scrolled = window.scrollY;
      const draw = (): void => { onData = drawOne(main, archive, at) ? () => undefined : draw; };
      draw();
      document.title = `${main.querySelector("h1")?.textContent ?? ""} · Venture CRM archive`;
      window.scrollTo(0, 0);
    } else if (location.hash === "" || location.hash.startsWith("#/")) {
      onData = drawList(main, archive);
      document.title = "Investors · Venture CRM archive";
      window.scrollTo(0, scrolled);
    } else return;
    if (moved) main.focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", () => route(true));
  route(false);
  return () => onData();
}

const main = document.getElementById("main");
if (main) {
  let update: () => void = () => undefined;
  openArchive(
    document,
    (archive) => { update = begin(archive, main); },
    () => update(),
    (why) => main.prepend(el("p", { class: "notice", role: "alert" }, `${why}.`)),
  );
}
